import { screen, waitFor, within } from '@testing-library/react'
import { delay, http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ProblemCode } from '@/lib/api/schema'
import { ada, anonymous, me, problem, signedIn } from '@/test/answers'
import { renderApp } from '@/test/render-app'
import { server } from '@/test/server'

const GOOD = 'plain orbit lantern 7'

let bodies: unknown[] = []

type Method = 'patch' | 'put' | 'delete'

/** What a change is answered with; what was sent is kept. */
function answer(method: Method, path: string, give: () => Response | Promise<Response>) {
  server.use(
    http[method](path, async ({ request }) => {
      bodies.push(await request.json())
      return give()
    }),
  )
}
const done = () => new HttpResponse(null, { status: 204 })

async function open() {
  const app = renderApp('/account')
  await screen.findByRole('heading', { name: 'Account', level: 1 })
  return app
}

beforeEach(() => {
  bodies = []
  server.use(
    http.get('/api/auth/me', () => me()),
    http.get('/api/auth/sessions', () => HttpResponse.json({ sessions: [] })),
    http.get('/api/auth/activity', () => HttpResponse.json({ events: [], next: null })),
  )
})

it('is for members, who come back to it', async () => {
  server.use(http.get('/api/auth/me', anonymous))
  const { at } = renderApp('/account')
  await screen.findByRole('form', { name: 'Sign in' })
  expect(at()).toBe('/signin?next=%2Faccount')
})

it('is linked from the header, for members only', async () => {
  const { user, at } = renderApp('/dashboard')
  await user.click(await screen.findByRole('link', { name: 'Account' }))
  expect(await screen.findByRole('heading', { name: 'Account', level: 1 })).toBeVisible()
  expect(at()).toBe('/account')
  expect(document.title).toBe('Account · Gatehouse')
  expect(screen.getByRole('link', { name: 'Account' })).toHaveAttribute('aria-current', 'page')
})

describe('the profile', () => {
  const name = () => screen.getByRole('textbox', { name: 'Name' })
  const save = () => screen.getByRole('button', { name: 'Save name' })

  it('shows what cannot be changed here', async () => {
    await open()
    const profile = within(screen.getByRole('region', { name: 'Profile' }))
    for (const words of [ada.email, 'user', '1 March 2026']) expect(profile.getByText(words)).toBeVisible()
    expect(profile.getAllByRole('textbox')).toEqual([name()])
  })

  it('saves a name, says so until the next change, and everybody knows it', async () => {
    const renamed = { ...ada, name: 'Ada King' }
    answer('patch', '/api/auth/me', () => {
      server.use(http.get('/api/auth/me', () => HttpResponse.json({ ...signedIn(), user: renamed })))
      return HttpResponse.json({ user: renamed })
    })
    const { user, source } = await open()
    await user.clear(name())
    await user.type(name(), '  Ada King {Enter}')
    expect(await screen.findByText('Name saved.')).toBeVisible()
    expect(bodies).toEqual([{ name: 'Ada King' }])
    expect(name()).toHaveValue('Ada King')
    await waitFor(() => expect(source.getState()).toMatchObject({ user: { name: 'Ada King' } }))
    await user.type(name(), '!')
    expect(screen.queryByText('Name saved.')).toBeNull()
  })

  it('says at the field what the server says of it', async () => {
    answer('patch', '/api/auth/me', () =>
      problem(422, 'validation_failed', { errors: { name: 'Use at most 100 characters.' } }),
    )
    const { user } = await open()
    await user.click(save())
    await waitFor(() => expect(name()).toHaveAccessibleDescription('Use at most 100 characters.'))
    expect(name()).toHaveFocus()
    expect(screen.queryByText('Name saved.')).toBeNull()
  })

  it('says what is wrong with the server', async () => {
    answer('patch', '/api/auth/me', () => problem(503, 'database_unavailable'))
    const { user } = await open()
    await user.click(save())
    expect(await screen.findByRole('alert')).toHaveTextContent('The service is unavailable')
  })
})

describe('the password', () => {
  const current = () => screen.getByLabelText('Current password')
  const next = () => screen.getByLabelText('New password')
  const form = () => within(screen.getByRole('form', { name: 'Change password' }))

  it('is changed, which signs out the other devices', async () => {
    answer('put', '/api/auth/password', done)
    const { user } = await open()
    const asked: string[] = []
    server.events.on('request:start', ({ request }) => asked.push(new URL(request.url).pathname))
    await user.type(current(), 'the old one')
    await user.type(next(), `${GOOD}{Enter}`)
    expect(await form().findByText('Password changed. Your other devices were signed out.')).toBeVisible()
    expect(bodies).toEqual([{ currentPassword: 'the old one', newPassword: GOOD }])
    expect(current()).toHaveValue('')
    expect(next()).toHaveValue('')
    await waitFor(() => expect(asked).toContain('/api/auth/sessions'))
    server.events.removeAllListeners()
  })

  it('has what password managers look for', async () => {
    await open()
    expect(current()).toHaveAttribute('autocomplete', 'current-password')
    expect(next()).toHaveAttribute('autocomplete', 'new-password')
    const username = screen
      .getByRole('form', { name: 'Change password' })
      .querySelector('[autocomplete=username]')
    expect(username).toHaveValue(ada.email)
  })

  it('is refused before it is sent, when it would not do', async () => {
    const { user } = await open()
    await user.type(next(), 'password1{Enter}')
    await waitFor(() => expect(current()).toHaveAccessibleDescription('Enter your current password.'))
    expect(current()).toHaveFocus()
    await user.type(current(), 'the old one{Enter}')
    await waitFor(() => expect(next()).toHaveAccessibleDescription(/commonly used password/))
    expect(next()).toHaveFocus()
    expect(bodies).toEqual([])
  })

  it('that is wrong is said at its field', async () => {
    answer('put', '/api/auth/password', () => problem(403, 'wrong_password'))
    const { user } = await open()
    await user.type(current(), 'not the old one')
    await user.type(next(), `${GOOD}{Enter}`)
    await waitFor(() => expect(current()).toHaveAccessibleDescription('This is not your current password.'))
    expect(current()).toHaveFocus()
    expect(next()).toHaveValue(GOOD)
    expect(screen.queryByText(/Password changed/)).toBeNull()
  })

  it('that the server finds weak is said at its field, with its reason', async () => {
    answer('put', '/api/auth/password', () =>
      problem(422, 'validation_failed', { errors: { newPassword: 'Your name is in it.' } }),
    )
    const { user } = await open()
    await user.type(current(), 'the old one')
    await user.type(next(), `${GOOD}{Enter}`)
    await waitFor(() => expect(next()).toHaveAccessibleDescription(/^Your name is in it\./))
    expect(next()).toHaveFocus()
  })

  it('tried too often has to wait', async () => {
    answer('put', '/api/auth/password', () =>
      problem(429, 'too_many_attempts', { headers: { 'Retry-After': '2' } }),
    )
    const { user } = await open()
    await user.type(current(), 'the old one')
    await user.type(next(), `${GOOD}{Enter}`)
    expect(await screen.findByRole('alert')).toHaveTextContent('Too many attempts')
    await user.click(screen.getByRole('button', { name: /^Try again in [12] s$/ }))
    expect(bodies).toHaveLength(1)
    await user.click(await screen.findByRole('button', { name: 'Change password' }))
    await waitFor(() => expect(bodies).toHaveLength(2))
  })
})

describe('deleting the account', () => {
  async function ask() {
    const app = await open()
    await app.user.click(screen.getByRole('button', { name: 'Delete account…' }))
    const dialog = within(await screen.findByRole('dialog', { name: 'Delete your account?' }))
    return { ...app, dialog, password: dialog.getByLabelText('Your password') }
  }
  const gone = () => expect(screen.queryByRole('dialog')).toBeNull()

  it('takes the password, and leads home with a notice', async () => {
    answer('delete', '/api/auth/me', () => {
      server.use(http.get('/api/auth/me', anonymous))
      return done()
    })
    const { user, at, password, source } = await ask()
    expect(password).toHaveFocus()
    await user.type(password, 'secret word{Enter}')
    expect(await screen.findByText('Your account is deleted')).toBeVisible()
    expect(await screen.findByRole('link', { name: 'Create account' })).toBeVisible()
    expect(at()).toBe('/')
    expect(bodies).toEqual([{ password: 'secret word' }])
    expect(source.getState().status).toBe('signed-out')
    gone()
  })

  it('leads home also when the session’s end is noticed first', async () => {
    server.use(http.get('/api/auth/me', async () => (bodies.length ? anonymous() : me())))
    answer('delete', '/api/auth/me', async () => {
      const other = new BroadcastChannel('gatehouse-session')
      other.postMessage({ type: 'signed-out', session: 's1', reason: 'session_revoked' })
      await delay(100)
      other.close()
      return done()
    })
    const { user, at, password } = await ask()
    await user.type(password, 'secret word{Enter}')
    expect(await screen.findByText('Your account is deleted')).toBeVisible()
    expect(at()).toBe('/')
  })

  it.each<[string, number, ProblemCode, string]>([
    ['a wrong password', 403, 'wrong_password', 'This is not your password.'],
    [
      'the last administrator',
      409,
      'last_admin',
      'You are the only administrator. Make somebody else one first.',
    ],
  ])('says at the field why it refuses %s', async (_, status, code, words) => {
    answer('delete', '/api/auth/me', () => problem(status, code))
    const { user, at, password } = await ask()
    await user.type(password, 'secret word{Enter}')
    await waitFor(() => expect(password).toHaveAccessibleDescription(words))
    expect(password).toHaveFocus()
    expect(at()).toBe('/account')
  })

  it('wants the password, and can be left', async () => {
    const { user, dialog, password } = await ask()
    await user.click(dialog.getByRole('button', { name: 'Delete my account' }))
    await waitFor(() => expect(password).toHaveAccessibleDescription('Enter your password.'))
    expect(bodies).toEqual([])
    await user.click(dialog.getByRole('button', { name: 'Cancel' }))
    gone()
  })

  it('has to wait when it was tried too often', async () => {
    answer('delete', '/api/auth/me', () =>
      problem(429, 'too_many_attempts', { headers: { 'Retry-After': '30' } }),
    )
    const { user, dialog, password } = await ask()
    await user.type(password, 'secret word{Enter}')
    expect(await dialog.findByRole('alert')).toHaveTextContent('Too many attempts')
    expect(dialog.getByRole('button', { name: /^Try again in \d+ s$/ })).toHaveAttribute(
      'aria-disabled',
      'true',
    )
  })
})

it('the first page says nothing of a deleted account to anybody else', async () => {
  server.use(http.get('/api/auth/me', anonymous))
  renderApp('/')
  await screen.findByRole('link', { name: 'Create account' })
  expect(screen.queryByText('Your account is deleted')).toBeNull()
})
