import type { DataRouter } from 'react-router'
import type { SessionSource } from '@/lib/session/session-source'

/**
 * Asks the guards again whenever somebody signs in or out, in this tab or another: whoever is on a page that
 * is no longer theirs is moved on. The first answer is left out, because the guards themselves wait for it.
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
