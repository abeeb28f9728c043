import { screen, waitFor, within } from '@testing-library/react'
import { delay, http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { answerActivity, answerDevices, device, event, here, minutesAgo } from '@/test/account-answers'
import { ada, anonymous, me, problem } from '@/test/answers'
import { renderApp } from '@/test/render-app'
import { server } from '@/test/server'

const answerMe = (answer: () => Response) => server.use(http.get('/api/auth/me', answer))
const answer = () => screen.findByRole('region', { name: 'Answer' })

async function open() {
  const app = renderApp('/dashboard')
  await screen.findByRole('heading', { name: 'Dashboard' })
  return app
}

beforeEach(() => answerMe(() => me()))

it('shows who is signed in', async () => {
  await open()
  const you = within(screen.getByRole('region', { name: 'You' }))
  for (const words of ['Ada Lovelace', 'ada@example.com', 'user', '1 March 2026', '42']) {
    expect(you.getByText(words)).toBeVisible()
  }
})

describe('shows the session', () => {
  it('with the time to its renewal', async () => {
    answerMe(() => me({ accessExpiresAt: new Date(Date.now() + 765_000).toISOString(), remember: true }))
    await open()
    const session = within(screen.getByRole('region', { name: 'This session' }))
    expect(session.getByRole('timer')).toHaveTextContent(/in 12:[0-4]\d/)
    expect(session.getByText('Stays signed in')).toBeVisible()
    expect(session.getByText(/8 Jan 2099/)).toBeVisible()
    expect(session.getByText(/1 Apr 2099/)).toBeVisible()
  })

  it('with the time it was signed in, which its device knows', async () => {
    answerDevices(device('s2'), { ...here, createdAt: minutesAgo(61) })
    await open()
    const session = within(screen.getByRole('region', { name: 'This session' }))
    expect(await session.findByText('· 1 hour ago')).toBeVisible()
  })

  it('without that time, when the devices cannot be had', async () => {
    server.use(http.get('/api/auth/sessions', () => problem(503, 'session_store_unavailable')))
    await open()
    expect(await screen.findByText('Not known now')).toBeVisible()
  })

  it('that is due for renewal and ends with the browser', async () => {
    answerMe(() => me({ accessExpiresAt: '2020-01-01T00:00:00Z' }))
    await open()
    expect(screen.getByRole('timer')).toHaveTextContent('with your next call')
    expect(screen.getByText('Signed in until the browser closes')).toBeVisible()
  })
})

describe('of the devices', () => {
  it('shows the newest three, this one first, and leads to all of them', async () => {
    const older = [5, 3, 4].map((hours) => device(`s${hours}`, { lastSeenAt: minutesAgo(hours * 60) }))
    answerDevices(...older, here)
    const { user, at } = await open()
    const list = within(await screen.findByRole('list', { name: 'Your newest devices' }))
    const texts = list.getAllByRole('listitem').map((row) => row.textContent)
    expect(texts).toEqual([
      expect.stringMatching(/^Firefox on Windows.*This device.*Active now/),
      expect.stringMatching(/^Safari on iPhone.*3 hours ago/),
      expect.stringMatching(/^Safari on iPhone.*4 hours ago/),
    ])
    const into = vi.spyOn(Element.prototype, 'scrollIntoView').mockImplementation(() => {})
    await user.click(screen.getByRole('link', { name: 'All 4 devices' }))
    expect(await screen.findByRole('heading', { name: 'Account', level: 1 })).toBeVisible()
    expect(at()).toBe('/account')
    await waitFor(() => expect(into.mock.contexts).toEqual([screen.getByRole('region', { name: 'Devices' })]))
  })

  it('says so when they cannot be had, and asks again', async () => {
    server.use(http.get('/api/auth/sessions', () => HttpResponse.error()))
    const { user } = await open()
    const card = within(screen.getByRole('region', { name: 'Your devices' }))
    expect(await card.findByRole('alert')).toHaveTextContent('The server cannot be reached')
    answerDevices(here)
    await user.click(card.getByRole('button', { name: 'Try again' }))
    expect(await card.findByText('Firefox on Windows')).toBeVisible()
    expect(card.getByRole('link', { name: 'Manage your devices' })).toHaveAttribute(
      'href',
      '/account#devices',
    )
  })
})

describe('of the activity', () => {
  it('shows the latest three in words', async () => {
    answerActivity(
      event('e4', 'password_changed'),
      event('e3', 'login_succeeded'),
      event('e2', 'logout'),
      event('e1', 'registered'),
    )
    await open()
    const list = within(await screen.findByRole('list', { name: 'Account activity' }))
    const texts = list.getAllByRole('listitem').map((row) => row.textContent)
    expect(texts).toEqual([
      expect.stringMatching(/^Password changed/),
      expect.stringMatching(/^Signed in/),
      expect.stringMatching(/^Signed out/),
    ])
  })

  it('says what will be here', async () => {
    await open()
    const card = within(screen.getByRole('region', { name: 'Recent activity' }))
    expect(await card.findByText(/^Nothing yet\./)).toBeVisible()
    expect(card.getByRole('link', { name: 'All activity' })).toHaveAttribute('href', '/account#activity')
  })
})

describe('a call', () => {
  const seen = { id: '42', email: ada.email, role: 'user', audience: 'demo', requestId: 'req-7' }

  it('shows what the API saw, and that the session was not renewed', async () => {
    server.use(http.get('/api/demo/me', () => HttpResponse.json(seen)))
    const { user } = await open()
    expect(within(await answer()).getByText(/appears here/)).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Send' }))
    const box = within(await answer())
    expect(await box.findByText('What the API saw of you')).toBeVisible()
    for (const words of ['req-7', 'demo', 'Session not renewed']) expect(box.getByText(words)).toBeVisible()
    expect(box.getByRole('status')).toHaveTextContent(/200.*\d+ ms/)
    expect(box.getByRole('region', { name: 'Response body' })).toHaveTextContent('"audience": "demo"')
  })

  it('shows that the session was renewed on the way', async () => {
    server.use(
      http.get('/api/demo/me', () => {
        answerMe(() => me({ accessExpiresAt: '2099-01-01T12:30:00Z' }))
        return HttpResponse.json(seen)
      }),
    )
    const { user } = await open()
    await user.click(screen.getByRole('button', { name: 'Send' }))
    expect(await within(await answer()).findByText('Session renewed on the way')).toBeVisible()
  })

  it('adds a note, and clears the text only when it was taken', async () => {
    const texts: unknown[] = []
    let status = 500
    server.use(
      http.post('/api/demo/notes', async ({ request }) => {
        texts.push(await request.json())
        return HttpResponse.json({ id: '1' }, { status })
      }),
    )
    const { user } = await open()
    await user.click(screen.getByRole('radio', { name: /Add a note/ }))
    await user.click(screen.getByRole('button', { name: 'Send' }))
    const text = screen.getByRole('textbox', { name: 'Text of the note' })
    await waitFor(() => expect(text).toHaveAccessibleDescription('Write something to add.'))
    expect(text).toHaveFocus()
    await user.type(text, 'Water the plants')
    await user.click(screen.getByRole('button', { name: 'Send' }))
    expect(await within(await answer()).findByText('500')).toBeVisible()
    expect(text).toHaveValue('Water the plants')
    status = 201
    await user.click(screen.getByRole('button', { name: 'Send' }))
    expect(await within(await answer()).findByText('201')).toBeVisible()
    await waitFor(() => expect(text).toHaveValue(''))
    expect(texts).toEqual([{ text: 'Water the plants' }, { text: 'Water the plants' }])
  })

  it('shows a refusal of the API as an answer like any other, and signs nobody out', async () => {
    server.use(http.get('/api/demo/me', () => HttpResponse.text('bad token', { status: 401 })))
    const { user, at } = await open()
    await user.click(screen.getByRole('button', { name: 'Send' }))
    const box = within(await answer())
    expect(await box.findByText('401')).toBeVisible()
    expect(box.getByText('bad token')).toBeVisible()
    expect(at()).toBe('/dashboard')
  })

  it('that finds no server says so', async () => {
    server.use(http.get('/api/demo/me', () => HttpResponse.error()))
    const { user } = await open()
    await user.click(screen.getByRole('button', { name: 'Send' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('The server cannot be reached')
  })

  it('that finds the session ended leads to sign-in, which says why', async () => {
    server.use(http.get('/api/demo/me', () => problem(401, 'session_revoked')))
    const { user, at } = await open()
    answerMe(anonymous)
    await user.click(screen.getByRole('button', { name: 'Send' }))
    expect(await screen.findByText('Your session was ended')).toBeVisible()
    expect(at()).toBe('/signin?next=%2Fdashboard')
  })
})

describe('the live stream', () => {
  it('runs until it is stopped', async () => {
    let signal: AbortSignal | undefined
    server.use(
      http.get('/api/demo/clock', ({ request }) => {
        signal = request.signal
        const encoder = new TextEncoder()
        const body = new ReadableStream<Uint8Array>({
          async start(controller) {
            for (const tick of ['tick 1', 'tick 2']) {
              controller.enqueue(encoder.encode(`data: ${tick}\n\n`))
              await delay(20)
            }
          },
        })
        return new HttpResponse(body, { headers: { 'Content-Type': 'text/event-stream' } })
      }),
    )
    const { user } = await open()
    await user.click(screen.getByRole('radio', { name: /live stream/ }))
    await user.click(screen.getByRole('button', { name: 'Start the stream' }))
    const box = within(await answer())
    expect(await box.findByText(/Live · 2 events/)).toBeVisible()
    expect(box.getAllByRole('listitem').map((item) => item.textContent)).toEqual(['tick 2', 'tick 1'])
    expect(signal?.aborted).toBe(false)
    await user.click(screen.getByRole('button', { name: 'Stop the stream' }))
    expect(await box.findByText(/Stopped · 2 events/)).toBeVisible()
    expect(screen.getByRole('button', { name: 'Start the stream' })).toBeVisible()
    expect(signal?.aborted).toBe(true)
  })
})

describe('signing out', () => {
  it('leads to sign-in', async () => {
    server.use(http.post('/api/auth/logout', () => new HttpResponse(null, { status: 204 })))
    const { user, at } = await open()
    answerMe(anonymous)
    await user.click(screen.getByRole('button', { name: 'Sign out' }))
    expect(await screen.findByText('You are signed out')).toBeVisible()
    expect(at()).toBe('/signin')
  })

  it('that fails says that one is still signed in', async () => {
    server.use(http.post('/api/auth/logout', () => HttpResponse.error()))
    const { user, at } = await open()
    await user.click(screen.getByRole('button', { name: 'Sign out' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('You are still signed in')
    expect(at()).toBe('/dashboard')
  })
})
