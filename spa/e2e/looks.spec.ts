import { expect, openAsMember, test } from './test'

const DARK = 'rgb(12, 13, 16)'
const LIGHT = 'rgb(250, 250, 251)'

test('a chosen theme is remembered, in every tab, and there before the first paint', async ({
  page,
  context,
}) => {
  await page.emulateMedia({ colorScheme: 'light' })
  await page.goto('/')
  const canvas = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  expect(await canvas()).toBe(LIGHT)
  await page.getByRole('radio', { name: 'Dark' }).check()
  expect(await canvas()).toBe(DARK)

  // As long as the app's code is held back, only what runs before the first paint has run.
  let letGo = () => {}
  const gate = new Promise<void>((resolve) => (letGo = resolve))
  await page.route('**/assets/*.js', async (route) => {
    await gate
    await route.continue()
  })
  await page.reload({ waitUntil: 'commit' })
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  await expect.poll(canvas).toBe(DARK)
  await expect(page.getByRole('radio')).toHaveCount(0)
  letGo()
  await expect(page.getByRole('radio', { name: 'Dark' })).toBeChecked()
  await page.unrouteAll()

  const other = await context.newPage()
  await other.emulateMedia({ colorScheme: 'light' })
  await other.goto('/signin')
  await expect(other.getByRole('radio', { name: 'Dark' })).toBeChecked()
  await expect(other.locator('html')).toHaveAttribute('data-theme', 'dark')

  // It outlives a sign-in, and goes back to the system's when asked to.
  await openAsMember(page, '/dashboard')
  expect(await canvas()).toBe(DARK)
  await page.getByRole('radio', { name: 'Follow the system' }).check()
  expect(await canvas()).toBe(LIGHT)
  await page.emulateMedia({ colorScheme: 'dark' })
  expect(await canvas()).toBe(DARK)
  await page.reload()
  await expect(page.getByRole('radio', { name: 'Follow the system' })).toBeChecked()
  expect(await page.evaluate(() => ({ ...localStorage, ...sessionStorage }))).toEqual({})
  await page.getByRole('radio', { name: 'Light', exact: true }).check()
  await page.reload()
  await expect(page.getByRole('radio', { name: 'Light', exact: true })).toBeChecked()
  expect(await canvas()).toBe(LIGHT)
})

test('whoever wants less motion gets none', async ({ page }) => {
  const moving = () =>
    page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === 'running').length)
  await page.emulateMedia({ reducedMotion: 'no-preference' })
  await page.goto('/')
  await expect(page.getByRole('link', { name: 'Create account' })).toBeVisible()
  await expect.poll(moving).toBeGreaterThan(0) // or the test would say nothing
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await expect.poll(moving).toBe(0)
  // The spinner of a button at work is no exception.
  await page.goto('/signin')
  await page.route('**/api/auth/login', () => {})
  await page.getByLabel('Email').fill('ada@example.com')
  await page.getByLabel('Password', { exact: true }).fill('a password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('button', { name: 'Signing in…' })).toBeVisible()
  expect(await moving()).toBe(0)
})

test('without JavaScript every page says so', async ({ device }) => {
  const page = await device({ javaScriptEnabled: false })
  for (const path of ['/', '/signin', '/signup']) {
    await page.goto(path)
    await expect(page.getByRole('heading', { name: 'Gatehouse needs JavaScript' })).toBeVisible()
  }
})
