import type { DataRouter } from 'react-router'
import type { SessionSource } from '@/lib/session/session-source'

/**
 * Runs the guards again after each sign-in and sign-out, in this tab or another: they lead away from a page that
 * the new state may not open. The first answer is left out, because the guards themselves wait for it.
 */
export function followSession(router: DataRouter, source: SessionSource): () => void {
  let before = source.getState().status
  return source.subscribe(() => {
    const now = source.getState().status
    const moved = now !== before && before !== 'loading'
    before = now
    if (moved) void router.revalidate()
  })
}
