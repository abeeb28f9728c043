import { expect, expectAccessible, newEmail, openAsMember, registered, signIn, signUp, test } from './test'

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
  await openAsMember(page, '/dashboard')
  const other = await context.newPage()
  await other.goto('/dashboard')
  await other.getByRole('button', { name: 'Sign out' }).click()
  await expect(other).toHaveURL('/signin')

  await expect(page).toHaveURL('/signin?next=%2Fdashboard')
  await expect(page.getByText('You signed out in another tab.')).toBeVisible()
  await expectAccessible(page)
})

test('an address elsewhere as the place to return to', async ({ page }) => {
  const email = await registered(page)
  await page.goto('/signin?next=%2F%5Celsewhere.example')
  await signIn(page, email)
  await expect(page).toHaveURL('/dashboard')
})
