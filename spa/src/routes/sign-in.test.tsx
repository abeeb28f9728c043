import { act, fireEvent, screen, waitFor } from '@testing-library/react'
import { delay, http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ProblemCode } from '@/lib/api/schema'
import { anonymous, me, problem, signedIn } from '@/test/answers'
import { renderApp } from '@/test/render-app'
import { server } from '@/test/server'

let bodies: unknown[] = []

/** What POST /api/auth/login answers. */
function answerLogin(answer: () => Response | Promise<Response>) {
  server.use(
    http.post('/api/auth/login', async ({ request }) => {
      bodies.push(await request.json())
      return answer()
    }),
  )
}

const email = () => screen.findByRole('textbox', { name: 'Email' })
const password = () => screen.getByLabelText('Password')
const submit = () => screen.getByRole('button', { name: 'Sign in' })

beforeEach(() => {
  bodies = []
  server.use(http.get('/api/auth/me', anonymous))
})

it('signs in and returns to where the visitor was going', async () => {
  answerLogin(() => HttpResponse.json({ ...signedIn() }))
  const { user, at } = renderApp('/signin?next=%2Fdashboard%3Ftab%3D2')
  expect(await email()).toHaveFocus()
  expect(document.title).toBe('Sign in · Gatehouse')
  await user.type(await email(), ' ada@example.com')
  await user.type(password(), 'secret word')
  server.use(http.get('/api/auth/me', () => me()))
  await user.keyboard('{Enter}')
  expect(await screen.findByRole('heading', { name: 'Dashboard' })).toBeVisible()
  expect(at()).toBe('/dashboard?tab=2')
  expect(bodies).toEqual([{ email: 'ada@example.com', password: 'secret word', remember: false }])
})

it('keeps the visitor signed in when asked to', async () => {
  answerLogin(() => HttpResponse.json({ ...signedIn() }))
  const { user } = renderApp('/signin')
  await user.type(await email(), 'ada@example.com')
  await user.type(password(), 'secret word')
  await user.click(screen.getByRole('checkbox', { name: 'Keep me signed in on this device' }))
  await user.click(submit())
  await screen.findByRole('heading', { name: 'Dashboard' })
  expect(bodies).toMatchObject([{ remember: true }])
})

it('has what password managers look for', async () => {
  renderApp('/signin')
  expect(await email()).toHaveAttribute('autocomplete', 'username')
  expect(password()).toHaveAttribute('autocomplete', 'current-password')
})

describe('says', () => {
  it('at the fields what is missing, and goes to the first', async () => {
    const { user } = renderApp('/signin')
    await email()
    await user.click(submit())
    expect(await email()).toHaveAccessibleDescription('Enter your email address.')
    expect(await email()).toBeInvalid()
    expect(password()).toHaveAccessibleDescription('Enter your password.')
    expect(await email()).toHaveFocus()
    expect(bodies).toEqual([])
    await user.type(await email(), 'a')
    expect(await email()).not.toHaveAttribute('aria-invalid')
    expect(await email()).not.toHaveAccessibleDescription()
  })

  it('one thing for a wrong email and a wrong password', async () => {
    answerLogin(() => problem(401, 'invalid_credentials'))
    const { user, at } = renderApp('/signin')
    await user.type(await email(), 'ada@example.com')
    await user.type(password(), 'wrong{Enter}')
    expect(await screen.findByRole('alert')).toHaveTextContent('Email or password is wrong')
    expect(password()).toHaveFocus()
    expect(password()).toHaveValue('wrong')
    expect(at()).toBe('/signin')
  })

  it('what the server says of a field, at the field', async () => {
    answerLogin(() => problem(422, 'validation_failed', { errors: { email: 'No such kind of address.' } }))
    const { user } = renderApp('/signin')
    await user.type(await email(), 'ada')
    await user.type(password(), 'secret word{Enter}')
    await waitFor(async () => expect(await email()).toHaveAccessibleDescription('No such kind of address.'))
    expect(await email()).toHaveFocus()
  })

  it('what the server says of anything else, above the form', async () => {
    answerLogin(() => problem(403, 'account_disabled', { detail: 'This account is disabled.' }))
    const { user } = renderApp('/signin')
    await user.type(await email(), 'ada@example.com')
    await user.type(password(), 'secret word{Enter}')
    expect(await screen.findByRole('alert')).toHaveTextContent('This account is disabled.')
  })

  it('a long wait in minutes', async () => {
    answerLogin(() => problem(429, 'too_many_attempts', { headers: { 'Retry-After': '754' } }))
    const { user } = renderApp('/signin')
    await user.type(await email(), 'ada@example.com')
    await user.type(password(), 'secret word{Enter}')
    expect(await screen.findByRole('button', { name: /^Try again in 12:3\d$/ })).toBeVisible()
  })

  it.each<[string, number, ProblemCode, string]>([
    ['too many attempts', 429, 'too_many_attempts', 'Too many attempts'],
    ['a busy server', 503, 'busy', 'The service is unavailable'],
  ])('how long to wait after %s, and lets nobody try before', async (_, status, code, words) => {
    answerLogin(() => problem(status, code, { headers: { 'Retry-After': '2' } }))
    const { user } = renderApp('/signin')
    await user.type(await email(), 'ada@example.com')
    await user.type(password(), 'secret word{Enter}')
    expect(await screen.findByRole('alert')).toHaveTextContent(words)
    const waiting = screen.getByRole('button', { name: /^Try again in [12] s$/ })
    expect(waiting).toHaveAttribute('aria-disabled', 'true')
    await user.click(waiting)
    expect(bodies).toHaveLength(1)
    await user.click(await screen.findByRole('button', { name: 'Sign in' }))
    await waitFor(() => expect(bodies).toHaveLength(2))
  })

  it('that it is signing in, and does it once for two clicks', async () => {
    answerLogin(async () => {
      await delay(100)
      return problem(401, 'invalid_credentials')
    })
    const { user } = renderApp('/signin')
    await user.type(await email(), 'ada@example.com')
    await user.type(password(), 'secret word')
    const form = screen.getByRole('form')
    act(() => {
      fireEvent.submit(form)
      fireEvent.submit(form) // faster than a render
    })
    expect(screen.getByRole('button', { name: 'Signing in…' })).toHaveAttribute('aria-disabled', 'true')
    await user.keyboard('{Enter}')
    await screen.findByRole('alert')
    expect(bodies).toHaveLength(1)
  })

  it.each([
    ['refresh_reuse', 'Your session was ended for your safety'],
    ['session_expired', 'Your session has expired'],
  ])('says what the server gave as the reason: %s', async (code, title) => {
    renderApp(`/signin?next=%2Fdashboard&ended=${code}`)
    expect(await screen.findByText(title)).toBeVisible()
  })

  it.each(['toString', 'Your%20account%20was%20hacked'])('says nothing for %s', async (code) => {
    renderApp(`/signin?ended=${code}`)
    expect(await screen.findByRole('heading', { name: 'Sign in' })).toBeVisible()
    expect(screen.queryByText(/session|hacked|native/i)).toBeNull()
  })

  it('that the account is ready, after signing up', async () => {
    renderApp('/signin', { state: { registered: 'ada@example.com' } })
    expect(await screen.findByText('Your account is ready')).toBeVisible()
    expect(await email()).toHaveValue('ada@example.com')
    expect(password()).toHaveFocus()
  })

  it('nothing, to somebody who just comes along', async () => {
    renderApp('/signin')
    await email()
    expect(screen.queryByText(/session|account is ready|signed out/i)).toBeNull()
  })

  it('that Caps Lock is on, while it is', async () => {
    const { user } = renderApp('/signin')
    await email()
    await user.click(password())
    await user.keyboard('{CapsLock}a')
    expect(screen.getByText('Caps Lock is on')).toBeVisible()
    await user.keyboard('{CapsLock}a')
    expect(screen.queryByText('Caps Lock is on')).toBeNull()
  })
})

it('shows and hides the password', async () => {
  const { user } = renderApp('/signin')
  await email()
  expect(password()).toHaveAttribute('type', 'password')
  await user.click(screen.getByRole('button', { name: 'Show password' }))
  expect(password()).toHaveAttribute('type', 'text')
  await user.click(screen.getByRole('button', { name: 'Hide password' }))
  expect(password()).toHaveAttribute('type', 'password')
})

it('keeps `next` on the way to sign-up', async () => {
  renderApp('/signin?next=%2Fdashboard')
  expect(await screen.findByRole('link', { name: 'Create an account' })).toHaveAttribute(
    'href',
    '/signup?next=%2Fdashboard',
  )
})
