import { screen, waitFor } from '@testing-library/react'
import { http } from 'msw'
import { describe, expect, it } from 'vitest'
import { anonymous, me, problem } from '@/test/answers'
import { renderApp } from '@/test/render-app'
import { server } from '@/test/server'

const answerMe = (answer: () => Response | Promise<Response>) => server.use(http.get('/api/auth/me', answer))

/** An answer to /me that waits until the test gives it; `asked` resolves when the app has asked. */
function heldMe(): { asked: Promise<void>; give: (response: Response) => void } {
  let give: (response: Response) => void = () => {}
  let ask: () => void = () => {}
  const answer = new Promise<Response>((resolve) => (give = resolve))
  const asked = new Promise<void>((resolve) => (ask = resolve))
  answerMe(() => {
    ask()
    return answer
  })
  return { asked, give: (response) => give(response) }
}

describe('a members’ page', () => {
  it('shows nothing of itself before the server has answered', async () => {
    const { asked, give } = heldMe()
    const { at } = renderApp('/dashboard?tab=2')
    await asked
    expect(screen.queryByRole('heading')).toBeNull()
    give(anonymous())
    expect(await screen.findByRole('heading', { name: 'Sign in' })).toBeVisible()
    expect(at()).toBe('/signin?next=%2Fdashboard%3Ftab%3D2')
    expect(screen.queryByText('Dashboard')).toBeNull()
  })

  it('opens for a member', async () => {
    answerMe(() => me())
    renderApp('/dashboard')
    expect(await screen.findByRole('heading', { name: 'Dashboard' })).toBeVisible()
  })

  it('says why, when the session was ended', async () => {
    answerMe(() => problem(401, 'session_revoked'))
    renderApp('/dashboard')
    expect(await screen.findByText('Your session was ended')).toBeVisible()
  })

  it('is left by all tabs when one signs out', async () => {
    answerMe(() => me())
    const { at, source } = renderApp('/dashboard')
    await screen.findByRole('heading', { name: 'Dashboard' })
    const other = new BroadcastChannel('gatehouse-session')
    other.postMessage({ type: 'signed-out', session: 's1', reason: 'signed_out' })
    expect(await screen.findByText('You signed out in another tab.')).toBeVisible()
    other.close()
    expect(at()).toBe('/signin?next=%2Fdashboard')
    expect(source.getState().status).toBe('signed-out')
    expect(screen.queryByText('ada@example.com')).toBeNull()
  })

  it('says that the service is unavailable, and opens when it is back', async () => {
    answerMe(() => problem(503, 'session_store_unavailable'))
    const { user, at } = renderApp('/dashboard')
    expect(await screen.findByRole('heading', { name: 'The service is unavailable' })).toBeVisible()
    expect(at()).toBe('/dashboard')
    answerMe(() => me())
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await screen.findByRole('heading', { name: 'Dashboard' })).toBeVisible()
  })

  it('says that the server cannot be reached', async () => {
    answerMe(() => Response.error())
    renderApp('/dashboard')
    expect(await screen.findByRole('heading', { name: 'The server cannot be reached' })).toBeVisible()
  })
})

describe.each(['/signin', '/signup'])('%s', (page) => {
  it('never shows itself to a member, who goes on to the dashboard', async () => {
    const { asked, give } = heldMe()
    const { at } = renderApp(page)
    await asked
    expect(screen.queryByRole('form')).toBeNull()
    give(me())
    expect(await screen.findByRole('heading', { name: 'Dashboard' })).toBeVisible()
    expect(at()).toBe('/dashboard')
  })

  it('sends a member on to `next`', async () => {
    answerMe(() => me())
    const { at } = renderApp(`${page}?next=${encodeURIComponent('/dashboard?tab=2')}`)
    await waitFor(() => expect(at()).toBe('/dashboard?tab=2'))
  })

  it.each(['//elsewhere.example', 'https://elsewhere.example', '/\\elsewhere.example'])(
    'does not send a member to %s',
    async (next) => {
      answerMe(() => me())
      const { at } = renderApp(`${page}?next=${encodeURIComponent(next)}`)
      await waitFor(() => expect(at()).toBe('/dashboard'))
    },
  )

  it('moves on after a sign-in in another tab', async () => {
    answerMe(anonymous)
    const { at } = renderApp(page)
    await screen.findByRole('form')
    answerMe(() => me())
    const other = new BroadcastChannel('gatehouse-session')
    other.postMessage({ type: 'signed-in' })
    await waitFor(() => expect(at()).toBe('/dashboard'))
    other.close()
  })
})

it.each([
  ['/login?next=%2Fdashboard', '/signin?next=%2Fdashboard'],
  ['/register', '/signup'],
])('%s leads to %s', async (alias, page) => {
  answerMe(anonymous)
  const { at } = renderApp(alias)
  await waitFor(() => expect(at()).toBe(page))
})
