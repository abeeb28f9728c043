import { expect, expectAccessible, newEmail, password, signIn, signUp, test } from './test'

test('from a first visit to signing out, and back again', async ({ page }) => {
  const email = newEmail()

  await page.goto('/')
  await expect(page.getByRole('heading', { name: /Tokens stay out/ })).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('link', { name: 'Create account' }).click()
  await expect(page).toHaveURL('/signup')
  await expectAccessible(page)

  await signUp(page, email)
  await expect(page).toHaveURL('/signin')
  await expect(page.getByLabel('Email')).toHaveValue(email)
  await expect(page.getByLabel('Password', { exact: true })).toBeFocused()
  await expectAccessible(page)
  await signIn(page, email)

  await expect(page).toHaveURL('/dashboard')
  const you = page.getByRole('region', { name: 'You' })
  await expect(you.getByText('Ada Lovelace')).toBeVisible()
  await expect(you.getByText(email)).toBeVisible()
  await expect(page.getByRole('timer')).toHaveText(/^in 1[45]:\d\d$/)

  // No token is anywhere that a script could read it.
  expect(await page.evaluate(() => document.cookie)).toBe('')
  expect(await page.evaluate(() => ({ ...localStorage, ...sessionStorage }))).toEqual({})

  const answer = page.getByRole('region', { name: 'Answer' })
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(answer.getByText('What the API saw of you')).toBeVisible()
  await expect(answer.getByText('200')).toBeVisible()
  await expect(answer.getByText('Session not renewed')).toBeVisible()
  await expect(answer.getByLabel('Response body')).toContainText(email)
  await expectAccessible(page)

  await page.getByRole('radio', { name: /Add a note/ }).check()
  await page.getByLabel('Text of the note').fill('Water the <b>plants</b>')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(answer.getByText('201')).toBeVisible()
  await page.getByRole('radio', { name: /notes it keeps/ }).check()
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(answer.getByLabel('Response body')).toContainText('Water the <b>plants</b>')

  await page.getByRole('radio', { name: /live stream/ }).check()
  for (let round = 0; round < 2; round++) {
    await page.getByRole('button', { name: 'Start the stream' }).click()
    await expect(answer.getByText(/Live · 2 events/)).toBeVisible()
    await page.getByRole('button', { name: 'Stop the stream' }).click()
    await expect(answer.getByText(/Stopped · /)).toBeVisible()
  }
  await expectAccessible(page)

  await page.goto('/')
  await expect(page.getByRole('link', { name: 'Open dashboard' })).toBeVisible()
  await page.goto('/signin?next=%2Fdashboard%3Ftab%3D1')
  await expect(page).toHaveURL('/dashboard?tab=1')

  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page).toHaveURL('/signin')
  await expect(page.getByText('You are signed out')).toBeVisible()
  await page.goBack()
  await expect(page.getByRole('link', { name: 'Create account' })).toBeVisible()
  await expect(page.getByText('Open dashboard')).toHaveCount(0)

  await page.goto('/dashboard?tab=2')
  await expect(page).toHaveURL(/\/signin\?next=/)
  await signIn(page, email)
  await expect(page).toHaveURL('/dashboard?tab=2')
  await expect(page.getByText('Ada Lovelace')).toBeVisible()
})

test('signing out in one tab empties the other', async ({ page, context }) => {
  const email = newEmail()
  await signUp(page, email)
  await signIn(page, email)
  await expect(page).toHaveURL('/dashboard')

  const other = await context.newPage()
  await other.goto('/dashboard')
  await other.getByRole('button', { name: 'Sign out' }).click()
  await expect(other).toHaveURL('/signin')

  await expect(page).toHaveURL('/signin?next=%2Fdashboard')
  await expect(page.getByText('You signed out in another tab.')).toBeVisible()
  await expectAccessible(page)
})

test.describe('refused', () => {
  test.use({
    expected: /(401.* \/api\/auth\/(me|login)|409.* \/api\/auth\/register|404.* \/no\/such\/page)$/,
  })

  test('a wrong password and an unknown email are told the same', async ({ page }) => {
    const email = newEmail()
    await signUp(page, email)
    for (const who of [email, newEmail()]) {
      await page.getByLabel('Email').fill(who)
      await page.getByLabel('Password', { exact: true }).fill('not my password')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await expect(page.getByRole('alert')).toContainText('Email or password is wrong')
      await expect(page).toHaveURL('/signin')
    }
    await expectAccessible(page)
  })

  test('an email that has an account, and a weak password', async ({ page }) => {
    const email = newEmail()
    await signUp(page, email)
    await page.goto('/signup')
    await page.getByLabel('Email').fill(email)
    await page.getByLabel('Password', { exact: true }).fill('password1')
    await page.getByRole('button', { name: 'Create account' }).click()
    await expect(page.getByLabel('Password', { exact: true })).toBeFocused()
    await expect(page.getByText('This is a commonly used password.')).toBeVisible()
    await expectAccessible(page)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Create account' }).click()
    await expect(page.getByText(/There is an account with this address/)).toBeVisible()
    await expect(page.getByLabel('Email')).toBeFocused()
  })

  test('a page that does not exist', async ({ page }) => {
    const response = await page.goto('/no/such/page')
    expect(response?.status()).toBe(404)
    await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible()
    await expectAccessible(page)
  })

  test('an address elsewhere as the place to return to', async ({ page }) => {
    const email = newEmail()
    await signUp(page, email)
    await page.goto('/signin?next=%2F%5Celsewhere.example')
    await signIn(page, email)
    await expect(page).toHaveURL('/dashboard')
  })
})

test('a remembered theme is there before the first paint', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' })
  await page.goto('/')
  await page.getByRole('radio', { name: 'Dark' }).check()
  // As long as the app's code is held back, only what runs before the first paint has run.
  await page.route('**/assets/*.js', (route) => setTimeout(() => void route.continue(), 500))
  await page.reload({ waitUntil: 'commit' })
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  expect(await background()).toBe('rgb(12, 13, 16)')
  await expect(page.getByRole('radio', { name: 'Dark' })).toBeChecked()
})

test('without JavaScript the page says so', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ javaScriptEnabled: false, ...(baseURL && { baseURL }) })
  const page = await context.newPage()
  await page.goto('/signin')
  await expect(page.getByRole('heading', { name: 'Gatehouse needs JavaScript' })).toBeVisible()
  await context.close()
})

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 } })

  test('nothing is wider than the screen', async ({ page }) => {
    const email = newEmail()
    const fits = async () => {
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect(over, page.url()).toBeLessThanOrEqual(0)
    }
    await page.goto('/')
    await expect(page.getByRole('link', { name: 'Create account' })).toBeVisible()
    await fits()
    await expectAccessible(page)
    await signUp(page, email)
    await fits()
    await signIn(page, email)
    await page.getByRole('button', { name: 'Send' }).click()
    await expect(page.getByText('What the API saw of you')).toBeVisible()
    await fits()
    await expectAccessible(page)
  })
})
