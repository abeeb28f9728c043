import { redirect, replace, type LoaderFunctionArgs } from 'react-router'
import { localPath } from '@/lib/session/next-path'
import type { SessionSource } from '@/lib/session/session-source'

/**
 * Guards are loaders: a page behind one is not rendered before the answer is there, so nothing flashes. When
 * the server cannot be reached, `ready` rejects and the router shows the error page.
 */

/** Opens the page with a session; without one leads to the sign-in page, and back afterwards. */
export function membersOnly(source: SessionSource) {
  return async ({ request }: LoaderFunctionArgs) => {
    const state = await source.ready()
    if (state.status === 'signed-in') return null
    if (state.reason === 'signed_out') return leave(request, '/signin')
    const { pathname, search } = new URL(request.url)
    return leave(request, `/signin?${new URLSearchParams({ next: pathname + search })}`)
  }
}

/** Opens the page without a session; with one leads to `next`. */
export function guestsOnly(source: SessionSource) {
  return async ({ request }: LoaderFunctionArgs) => {
    const state = await source.ready()
    if (state.status !== 'signed-in') return null
    return leave(request, localPath(new URL(request.url).searchParams.get('next')) ?? '/dashboard')
  }
}

/** After a redirect away from the open page the back button must not lead back to it. */
function leave(request: Request, to: string): Response {
  const { pathname, search } = new URL(request.url)
  const open = pathname === location.pathname && search === location.search
  return open ? replace(to) : redirect(to)
}
