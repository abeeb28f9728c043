import { screen, waitFor, within } from '@testing-library/react'
import { http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import { answerActivity, answerDevices, device, event, here, minutesAgo } from '@/test/account-answers'
import { me, problem } from '@/test/answers'
import { renderApp } from '@/test/render-app'
import { server } from '@/test/server'

const card = (name: string) => within(screen.getByRole('region', { name }))
const rows = async (name: string) =>
  within(await screen.findByRole('list', { name })).getAllByRole('listitem')

/** What had the focus is gone, and the focus is still where the work was. */
const expectFocusIn = (name: string) =>
  waitFor(() =>
    expect(screen.getByRole('region', { name })).toContainElement(document.activeElement as HTMLElement),
  )

async function open() {
  const app = renderApp('/account')
  await screen.findByRole('heading', { name: 'Account', level: 1 })
  return app
}

beforeEach(() => {
  server.use(http.get('/api/auth/me', () => me()))
  answerDevices(here)
  answerActivity()
})

describe('the devices', () => {
  it('are listed so that one knows them, this one first', async () => {
    answerDevices(device('s2'), here)
    await open()
    const [first, second, ...rest] = await rows('Your devices')
    expect(rest).toEqual([])
    expect(first).toHaveTextContent(/Firefox on Windows.*This device.*Active now · 192\.0\.2\.1/)
    expect(second).toHaveTextContent(
      /Safari on iPhone.*Last seen 2 hours ago · 192\.0\.2\.7 · since 1 March 2026/,
    )
    expect(second).not.toHaveTextContent('This device')
    // This one has its button in the header.
    expect(
      card('Devices')
        .getAllByRole('button')
        .map((button) => button.textContent),
    ).toEqual(['Sign out', 'Sign out everywhere else'])
  })

  it('show that they are on their way, and nothing of the others before', async () => {
    let give: (answer: Response) => void = () => {}
    server.use(http.get('/api/auth/sessions', () => new Promise<Response>((resolve) => (give = resolve))))
    await open()
    expect(screen.getByRole('status', { name: 'Loading devices' })).toBeVisible()
    expect(screen.queryByText(/on this device only/)).toBeNull()
    await waitFor(() => {
      give(HttpResponse.json({ sessions: [here] }))
      expect(screen.queryByRole('status', { name: 'Loading devices' })).toBeNull()
    })
    expect(screen.getByText('You are signed in on this device only.')).toBeVisible()
    expect(screen.queryByRole('button', { name: 'Sign out everywhere else' })).toBeNull()
  })

  it('that cannot be had say so, and come with a second try', async () => {
    server.use(http.get('/api/auth/sessions', () => problem(503, 'session_store_unavailable')))
    const { user } = await open()
    expect(await card('Devices').findByRole('alert')).toHaveTextContent('The service is unavailable')
    answerDevices(here)
    await user.click(card('Devices').getByRole('button', { name: 'Try again' }))
    expect(await rows('Your devices')).toHaveLength(1)
    expect(screen.queryByRole('alert')).toBeNull()
    await expectFocusIn('Devices')
  })

  it('can be signed out one by one', async () => {
    answerDevices(here, device('s2'), device('s/3', { userAgent: 'curl/8.5.0' }))
    const ended: unknown[] = []
    server.use(
      http.delete('/api/auth/sessions/:id', ({ params }) => {
        ended.push(params.id)
        answerDevices(here, device('s2'))
        return new HttpResponse(null, { status: 204 })
      }),
    )
    const { user } = await open()
    await user.click(await screen.findByRole('button', { name: 'Sign out curl' }))
    expect(await screen.findByText('curl was signed out.')).toBeVisible()
    expect(ended).toEqual(['s/3'])
    expect(await rows('Your devices')).toHaveLength(2)
    await expectFocusIn('Devices')
  })

  it('that are gone already count as signed out', async () => {
    answerDevices(here, device('s2'))
    server.use(
      http.delete('/api/auth/sessions/s2', () => {
        answerDevices(here)
        return problem(404, 'not_found')
      }),
    )
    const { user } = await open()
    await user.click(await screen.findByRole('button', { name: 'Sign out Safari on iPhone' }))
    expect(await screen.findByText('Safari on iPhone was signed out.')).toBeVisible()
  })

  it('that could not be signed out are still there, and it says so', async () => {
    answerDevices(here, device('s2'))
    server.use(http.delete('/api/auth/sessions/s2', () => problem(503, 'session_store_unavailable')))
    const { user } = await open()
    await user.click(await screen.findByRole('button', { name: 'Sign out Safari on iPhone' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('The device is still signed in')
    expect(await rows('Your devices')).toHaveLength(2)
    expect(screen.queryByText(/was signed out/)).toBeNull()
  })

  it('are all signed out but this one', async () => {
    answerDevices(here, device('s2'), device('s3'))
    const bodies: unknown[] = []
    server.use(
      http.post('/api/auth/logout-all', async ({ request }) => {
        bodies.push(await request.json())
        answerDevices(here)
        return new HttpResponse(null, { status: 204 })
      }),
    )
    const { user, at } = await open()
    await user.click(await screen.findByRole('button', { name: 'Sign out everywhere else' }))
    expect(await screen.findByText('All other devices were signed out.')).toBeVisible()
    expect(bodies).toEqual([{ others: true }])
    expect(await rows('Your devices')).toHaveLength(1)
    expect(at()).toBe('/account')
  })
})

describe('the activity', () => {
  it('is told in words', async () => {
    answerActivity(
      event('e3', 'role_changed', { actorId: '1', detail: 'user to admin', ip: '', userAgent: '' }),
      event('e2', 'login_failed', { actorId: '', detail: 'wrong email or password' }),
      event('e1', 'registered', { at: minutesAgo(60 * 49) }),
    )
    await open()
    const [role, failed, registered] = await rows('Account activity')
    expect(role).toHaveTextContent(/^Role changed from user to admin, by an administrator5 minutes ago$/)
    expect(failed).toHaveTextContent(
      /^Sign-in failed: wrong.*5 minutes ago · Safari on iPhone · 192\.0\.2\.7$/,
    )
    expect(registered).toHaveTextContent('Account created2 days ago')
    expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull()
  })

  it('says what will be here while there is nothing', async () => {
    await open()
    expect(await card('Activity').findByText(/^Nothing yet\./)).toBeVisible()
  })

  it('is narrowed to one kind', async () => {
    answerActivity(event('e3', 'logout'), event('e2', 'password_changed'), event('e1', 'registered'))
    const { user } = await open()
    expect(await rows('Account activity')).toHaveLength(3)
    const filter = card('Activity').getByRole('combobox', { name: 'Show' })
    await user.selectOptions(filter, 'Changes of the account')
    const texts = (await rows('Account activity')).map((row) => row.textContent)
    expect(texts).toEqual([
      expect.stringMatching(/^Password changed/),
      expect.stringMatching(/^Account created/),
    ])
    await user.selectOptions(filter, 'Sessions ended')
    expect(card('Activity').getByText('Nothing of this kind has happened.')).toBeVisible()
    await user.selectOptions(filter, 'Everything')
    expect(await rows('Account activity')).toHaveLength(3)
  })

  it('that cannot be had says so, and comes with a second try', async () => {
    server.use(http.get('/api/auth/activity', () => HttpResponse.error()))
    const { user } = await open()
    expect(await card('Activity').findByRole('alert')).toHaveTextContent('The server cannot be reached')
    answerActivity(event('e1', 'registered'))
    await user.click(card('Activity').getByRole('button', { name: 'Try again' }))
    expect(await rows('Account activity')).toHaveLength(1)
  })

  describe('of more than a page', () => {
    let failing = false
    beforeEach(() => {
      failing = false
      server.use(
        http.get('/api/auth/activity', ({ request }) => {
          const cursor = new URL(request.url).searchParams.get('cursor')
          if (cursor === null) return HttpResponse.json({ events: [event('e2', 'logout')], next: 'a+b&c' })
          if (failing || cursor !== 'a+b&c') return problem(503, 'database_unavailable')
          return HttpResponse.json({ events: [event('e1', 'registered')], next: null })
        }),
      )
    })

    it('comes page by page', async () => {
      const { user } = await open()
      await user.click(await screen.findByRole('button', { name: 'Show more' }))
      expect(await screen.findByText('Account created')).toBeVisible()
      expect(await rows('Account activity')).toHaveLength(2)
      expect(screen.getByText('2 events shown')).toBeInTheDocument()
      await expectFocusIn('Activity')
      expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull()
    })

    it('says that a kind may come with the next page', async () => {
      const { user } = await open()
      await screen.findByRole('button', { name: 'Show more' })
      await user.selectOptions(screen.getByRole('combobox', { name: 'Show' }), 'Changes of the account')
      expect(screen.getByText('Nothing of this kind among the newest. There is more.')).toBeVisible()
      await user.click(screen.getByRole('button', { name: 'Show more' }))
      expect(await rows('Account activity')).toHaveLength(1)
    })

    it('keeps what is there when the next page fails', async () => {
      failing = true
      const { user } = await open()
      await user.click(await screen.findByRole('button', { name: 'Show more' }))
      expect(await card('Activity').findByRole('alert')).toHaveTextContent('The service is unavailable')
      expect(await rows('Account activity')).toHaveLength(1)
      failing = false
      await user.click(card('Activity').getByRole('button', { name: 'Try again' }))
      expect(await screen.findByText('Account created')).toBeVisible()
    })

    it('stays open when something new is on top', async () => {
      answerDevices(here, device('s2'))
      server.use(http.post('/api/auth/logout-all', () => new HttpResponse(null, { status: 204 })))
      const { user } = await open()
      await user.click(await screen.findByRole('button', { name: 'Show more' }))
      await screen.findByText('Account created')
      const revoked = event('e3', 'session_revoked', { detail: 'ended_by_user' })
      server.use(
        http.get('/api/auth/activity', () =>
          HttpResponse.json({ events: [revoked, event('e2', 'logout')], next: 'a+b&c' }),
        ),
      )
      await user.click(screen.getByRole('button', { name: 'Sign out everywhere else' }))
      expect(await screen.findByText('A device was signed out from another one')).toBeVisible()
      expect(await rows('Account activity')).toHaveLength(3)
      expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull()
    })
  })
})
