import { render } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { createMemoryRouter, RouterProvider } from 'react-router'
import { onTestFinished } from 'vitest'
import { followSession } from '@/app/follow-session'
import { createRoutes } from '@/app/routes'
import { createSessionSource } from '@/lib/session/session-source'
import { SessionContext } from '@/lib/session/use-auth'

interface Entry {
  state?: unknown
}

/** The whole app at an address, as main.tsx puts it together. */
export function renderApp(at: string, { state }: Entry = {}) {
  const source = createSessionSource()
  onTestFinished(source.start())
  source.ready().catch(() => {})
  const { pathname, search } = new URL(at, location.origin)
  const router = createMemoryRouter(createRoutes(source), { initialEntries: [{ pathname, search, state }] })
  onTestFinished(followSession(router, source))
  onTestFinished(() => router.dispose())
  render(
    <SessionContext value={source}>
      <RouterProvider router={router} />
    </SessionContext>,
  )
  return {
    source,
    router,
    user: userEvent.setup(),
    /** Where the app is now. */
    at: () => router.state.location.pathname + router.state.location.search,
  }
}
