import { redirect, replace, type LoaderFunctionArgs } from 'react-router'
import { localPath } from '@/lib/session/next-path'
import type { SessionSource } from '@/lib/session/session-source'

/**
 * Guards are loaders: a page behind one is not rendered before the answer is there, so nothing flashes. When
 * nobody can be asked, `ready` rejects and the router shows the error page.
 */

/** Lets members pass and sends everybody else to sign in, to come back afterwards. */
export function membersOnly(source: SessionSource) {
  return async ({ request }: LoaderFunctionArgs) => {
    const state = await source.ready()
    if (state.status === 'signed-in') return null
    if (state.reason === 'signed_out') return leave(request, '/signin')
    const { pathname, search } = new URL(request.url)
    return leave(request, `/signin?${new URLSearchParams({ next: pathname + search })}`)
  }
}

/** Lets pass who is not signed in, and sends members on to where they were going. */
export function guestsOnly(source: SessionSource) {
  return async ({ request }: LoaderFunctionArgs) => {
    const state = await source.ready()
    if (state.status !== 'signed-in') return null
    return leave(request, localPath(new URL(request.url).searchParams.get('next')) ?? '/dashboard')
  }
}

/** Sent away from the page that is open already, one should not get back to it by the back button. */
function leave(request: Request, to: string): Response {
  const { pathname, search } = new URL(request.url)
  const open = pathname === location.pathname && search === location.search
  return open ? replace(to) : redirect(to)
}
