import type { Locator, Page } from '@playwright/test'
import { expect, expectAccessible, newEmail, openAsMember, password, registered, test } from './test'

test.use({
  expected:
    /(401.* \/api\/auth\/(me|login)|409.* \/api\/auth\/register|422.* \/api\/auth\/(register|login|me))$/,
})

const field = (page: Page, label: string) => page.getByLabel(label, { exact: true })

/** The field is marked, and a screen reader reads the error with it. */
async function expectError(control: Locator, message: string | RegExp): Promise<void> {
  await expect(control).toHaveAttribute('aria-invalid', 'true')
  await expect(control).toHaveAccessibleDescription(message)
}

/** Lets the next requests to `path` wait until they are let go, and counts them. */
async function holdBack(page: Page, path: string): Promise<{ count: () => number; letGo: () => void }> {
  let count = 0
  let letGo = () => {}
  const gate = new Promise<void>((resolve) => (letGo = resolve))
  await page.route(`**${path}`, async (route) => {
    count++
    await gate
    await route.continue()
  })
  return { count: () => count, letGo: () => letGo() }
}

test('the sign-up form says at each field what is wrong, and nothing is sent', async ({ page }) => {
  const sent: string[] = []
  page.on('request', (request) => sent.push(request.url()))
  await page.goto('/signup')
  const submit = page.getByRole('button', { name: 'Create account' })
  await submit.click()
  await expectError(field(page, 'Email'), 'Enter your email address.')
  await expectError(field(page, 'Password'), /^(Choose a password|Use at least 8 characters)\./)
  await expect(field(page, 'Email')).toBeFocused() // the first of the two
  await expectAccessible(page)

  await field(page, 'Email').fill('ada@')
  await expect(field(page, 'Email')).not.toHaveAttribute('aria-invalid')
  await field(page, 'Password').fill(password)
  await submit.click()
  await expectError(field(page, 'Email'), 'Enter an address like name@example.com.')
  await field(page, 'Email').fill('ada.lovelace@example.com')
  await field(page, 'Password').fill('ada.lovelace-1')
  await submit.click()
  await expectError(field(page, 'Password'), /^The password must not contain your email's name\./)
  await expect(field(page, 'Password')).toBeFocused()
  await field(page, 'Name').fill('x'.repeat(101))
  await submit.click()
  await expectError(field(page, 'Name'), 'Use at most 100 characters.')
  await expect(field(page, 'Name')).toBeFocused()
  expect(sent.filter((url) => url.endsWith('/api/auth/register'))).toEqual([])
})

test('errors that only the server can find are at the field too', async ({ page }) => {
  const email = await registered(page)
  await page.goto('/signup')
  await field(page, 'Email').fill(email)
  await field(page, 'Password').fill('password1')
  await page.getByRole('button', { name: 'Create account' }).click()
  await expectError(field(page, 'Password'), /^This is a commonly used password\./)
  await expectAccessible(page)
  await field(page, 'Password').fill(password)
  await page.getByRole('button', { name: 'Create account' }).click()
  await expectError(field(page, 'Email'), /^There is an account with this address already\./)
  await expect(field(page, 'Email')).toBeFocused()
  await expectAccessible(page)

  // An address that the page lets pass and the server does not.
  await field(page, 'Email').fill('ada@no_such_domain.example')
  await page.getByRole('button', { name: 'Create account' }).click()
  await expect(field(page, 'Email')).toHaveAttribute('aria-invalid', 'true')
  await expect(field(page, 'Email')).toBeFocused()

  await page.goto('/signin')
  await field(page, 'Email').fill('not an address')
  await field(page, 'Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(field(page, 'Email')).toHaveAttribute('aria-invalid', 'true')
  await expect(field(page, 'Email')).toBeFocused()
})

test('a wrong password and an unknown email get the same answer', async ({ page }) => {
  const email = await registered(page)
  await page.goto('/signin')
  for (const who of [email, newEmail()]) {
    await field(page, 'Email').fill(who)
    await field(page, 'Password').fill('not my password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page.getByRole('alert')).toContainText('Email or password is wrong')
    await expect(page).toHaveURL('/signin')
    await expect(field(page, 'Password')).toBeFocused()
  }
  await expectAccessible(page)
})

test('a form on its way is sent once, however often it is submitted', async ({ page }) => {
  const email = newEmail()
  await page.goto('/signup')
  await field(page, 'Email').fill(email)
  await field(page, 'Password').fill(password)
  const signUp = await holdBack(page, '/api/auth/register')
  await page.getByRole('button', { name: 'Create account' }).dblclick()
  await expect(page.getByRole('button', { name: 'Creating account…' })).toBeVisible()
  await field(page, 'Password').press('Enter')
  await expectAccessible(page)
  signUp.letGo()
  await expect(page.getByText('Your account is ready')).toBeVisible()
  expect(signUp.count()).toBe(1)

  const signIn = await holdBack(page, '/api/auth/login')
  await field(page, 'Password').fill(password)
  await field(page, 'Password').press('Enter')
  await field(page, 'Password').press('Enter')
  await expect(page.getByRole('button', { name: 'Signing in…' })).toBeVisible()
  await page.getByRole('button', { name: 'Signing in…' }).click({ force: true })
  await expectAccessible(page)
  signIn.letGo()
  await expect(page).toHaveURL('/dashboard')
  expect(signIn.count()).toBe(1)

  const note = await holdBack(page, '/api/demo/notes')
  await page.getByRole('radio', { name: /Add a note/ }).check()
  await page.getByRole('button', { name: 'Send' }).click()
  await expectError(field(page, 'Text of the note'), 'Write something to add.')
  await expect(field(page, 'Text of the note')).toBeFocused()
  await field(page, 'Text of the note').fill('Once')
  await page.getByRole('button', { name: 'Send' }).dblclick()
  await expect(page.getByRole('button', { name: 'Sending…' })).toBeVisible()
  await field(page, 'Text of the note').press('Enter')
  note.letGo()
  await expect(page.getByRole('region', { name: 'Answer' }).getByRole('status')).toContainText('201')
  expect(note.count()).toBe(1)
})

test('the account’s forms say at the field what is wrong', async ({ page }) => {
  await openAsMember(page, '/account')
  await page.getByRole('button', { name: 'Change password' }).click()
  await expectError(field(page, 'Current password'), 'Enter your current password.')
  await expect(field(page, 'Current password')).toBeFocused()
  await field(page, 'Name').fill('x'.repeat(101))
  await page.getByRole('button', { name: 'Save name' }).click()
  await expectError(field(page, 'Name'), /100 characters/)
  await expect(field(page, 'Name')).toBeFocused()
  await page.getByRole('button', { name: 'Delete account…' }).click()
  await page.getByRole('button', { name: 'Delete my account' }).click()
  await expectError(field(page, 'Your password'), 'Enter your password.')
  await expectAccessible(page)
})
