import { screen, waitFor } from '@testing-library/react'
import { http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import { ada, anonymous, problem } from '@/test/answers'
import { renderApp } from '@/test/render-app'
import { server } from '@/test/server'

const GOOD = 'plain orbit lantern 7'
let bodies: unknown[] = []

/** What POST /api/auth/register answers. */
function answerRegister(answer: () => Response) {
  server.use(
    http.post('/api/auth/register', async ({ request }) => {
      bodies.push(await request.json())
      return answer()
    }),
  )
}

const created = () => HttpResponse.json({ user: { ...ada } }, { status: 201 })
const email = () => screen.findByRole('textbox', { name: 'Email' })
const name = () => screen.getByRole('textbox', { name: 'Name' })
const password = () => screen.getByLabelText('Password')
const submit = () => screen.getByRole('button', { name: 'Create account' })

beforeEach(() => {
  bodies = []
  server.use(http.get('/api/auth/me', anonymous))
})

describe('creates an account and leads to sign-in, signing nobody in', () => {
  it('with a name', async () => {
    answerRegister(created)
    const { user, at, router } = renderApp('/signup?next=%2Fdashboard')
    await user.type(await email(), 'ada@example.com')
    await user.type(name(), ' Ada Lovelace ')
    await user.type(password(), GOOD)
    await user.click(submit())
    expect(await screen.findByText('Your account is ready')).toBeVisible()
    expect(bodies).toEqual([{ email: 'ada@example.com', password: GOOD, name: 'Ada Lovelace' }])
    expect(screen.getByRole('textbox', { name: 'Email' })).toHaveValue('ada@example.com')
    expect(at()).toBe('/signin?next=%2Fdashboard')
    expect(router.state.location.search).not.toContain('ada')
  })

  it('without a name, which is then left out', async () => {
    answerRegister(created)
    const { user } = renderApp('/signup')
    await user.type(await email(), 'ada@example.com')
    await user.click(password())
    await user.paste(GOOD)
    await user.click(submit())
    await screen.findByText('Your account is ready')
    expect(bodies).toEqual([{ email: 'ada@example.com', password: GOOD }])
  })
})

describe('refuses before asking the server', () => {
  it.each([
    ['', 'Enter your email address.'],
    ['ada', 'Enter an address like name@example.com.'],
    ['ada@', 'Enter an address like name@example.com.'],
    ['@example.com', 'Enter an address like name@example.com.'],
    ['a b@example.com', 'Enter an address like name@example.com.'],
    ['a..b@example.com', 'Enter an address like name@example.com.'],
    ['ádmin@example.com', 'Use only plain letters, digits and signs before the @.'],
    [`ada@${'x'.repeat(60)}.${'y'.repeat(200)}.com`, 'The address is too long.'],
  ])('the email %j', async (value, message) => {
    const { user } = renderApp('/signup')
    await email()
    await user.click(await email())
    if (value) await user.paste(value)
    await user.click(password())
    await user.paste(GOOD)
    await user.click(submit())
    await waitFor(async () => expect(await email()).toHaveAccessibleDescription(message))
    expect(await email()).toHaveFocus()
    expect(bodies).toEqual([])
  })

  it.each([
    ['short', 'Use at least 8 characters.'],
    ['password1', 'This is a commonly used password.'],
    ['xx lovelace xx', "The password must not contain your email's name."],
  ])('the password %j', async (value, message) => {
    const { user } = renderApp('/signup')
    await user.type(await email(), 'lovelace@example.com')
    await user.type(password(), value)
    await user.click(submit())
    await waitFor(() => expect(password()).toBeInvalid())
    expect(password()).toHaveAccessibleDescription(expect.stringContaining(message))
    expect(password()).toHaveFocus()
    expect(bodies).toEqual([])
  })

  it('a name of more than 100 characters', async () => {
    const { user } = renderApp('/signup')
    await email()
    await user.click(name())
    await user.paste('x'.repeat(101))
    await user.click(submit())
    await waitFor(() => expect(name()).toHaveAccessibleDescription('Use at most 100 characters.'))
    expect(name()).toHaveFocus() // the first on the page, though the email is missing too
    expect(bodies).toEqual([])
  })
})

it('takes an email whose domain is not ASCII', async () => {
  answerRegister(created)
  const { user } = renderApp('/signup')
  await user.type(await email(), 'ada@exämple.com')
  await user.type(password(), GOOD)
  await user.click(submit())
  await waitFor(() => expect(bodies).toHaveLength(1))
})

it('tells how strong the password is, and why', async () => {
  const { user } = renderApp('/signup')
  await email()
  const meter = screen.getByRole('meter', { name: 'Password strength' })
  expect(meter).toHaveAttribute('aria-valuetext', 'No password yet')
  await user.type(password(), 'password1')
  expect(await screen.findByText(/commonly used password/)).toBeVisible()
  expect(meter).toHaveAttribute('aria-valuetext', 'Too easy to guess')
  await user.clear(password())
  await user.type(password(), GOOD)
  await waitFor(() => expect(meter).toHaveAttribute('aria-valuetext', 'Strong'))
})

describe('says what the server says', () => {
  async function send() {
    const app = renderApp('/signup')
    await app.user.type(await email(), 'ada@example.com')
    await app.user.type(password(), GOOD)
    await app.user.click(submit())
    return app
  }

  it('of an email that has an account', async () => {
    answerRegister(() => problem(409, 'email_taken'))
    await send()
    await waitFor(async () =>
      expect(await email()).toHaveAccessibleDescription(/There is an account with this address/),
    )
    expect(await email()).toHaveFocus()
  })

  it('of several fields, at each of them', async () => {
    const errors = { password: 'This password is too easy to guess.', name: 'Not this name.' }
    answerRegister(() => problem(422, 'validation_failed', { errors }))
    await send()
    await waitFor(() => expect(name()).toHaveAccessibleDescription('Not this name.'))
    expect(password()).toHaveAccessibleDescription(expect.stringContaining(errors.password))
    expect(name()).toHaveFocus()
  })

  it('of a field that is not on the page, as a whole', async () => {
    const answer = { detail: 'No beards.', errors: { beard: 'No.' } }
    answerRegister(() => problem(422, 'validation_failed', answer))
    await send()
    expect(await screen.findByRole('alert')).toHaveTextContent('No beards.')
  })

  it('of sign-up being closed', async () => {
    answerRegister(() => problem(403, 'signup_closed'))
    await send()
    expect(await screen.findByRole('alert')).toHaveTextContent('Sign-up is closed')
  })

  it('of its own mistake, with the reference', async () => {
    answerRegister(() => problem(500, 'internal'))
    await send()
    expect(await screen.findByRole('alert')).toHaveTextContent('req-1')
  })

  it('of too many attempts, and counts down', async () => {
    answerRegister(() => problem(429, 'too_many_attempts', { headers: { 'Retry-After': '30' } }))
    await send()
    expect(await screen.findByRole('button', { name: /^Try again in (30|29|28) s$/ })).toBeVisible()
  })
})

it('has what password managers look for', async () => {
  renderApp('/signup')
  expect(await email()).toHaveAttribute('autocomplete', 'username')
  expect(password()).toHaveAttribute('autocomplete', 'new-password')
  expect(name()).toHaveAttribute('autocomplete', 'name')
})
