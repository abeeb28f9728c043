import type { Page, Route } from '@playwright/test'
import { expect, expectAccessible, openAsMember, test } from './test'

test.use({
  expected:
    /(401.* \/api\/auth\/me|404.* \/(no\/such\/page|signin\/x)|500.* \/api\/auth\/(me|login|sessions)|ERR_(FAILED|INTERNET_DISCONNECTED) .*)$/,
})

const mistake = (route: Route) =>
  route.fulfill({
    status: 500,
    contentType: 'application/problem+json',
    body: JSON.stringify({ status: 500, code: 'internal', title: 'Internal error', requestId: 'REFERENCE7' }),
  })

async function expectOffline(page: Page): Promise<void> {
  await expect(page.getByText('You are offline. What you see may be out of date.')).toBeVisible()
}

test('a page that does not exist, for a visitor and for a member', async ({ page }) => {
  for (const visit of ['visitor', 'member']) {
    if (visit === 'member') await openAsMember(page, '/dashboard')
    const response = await page.goto('/no/such/page')
    expect(response?.status()).toBe(404)
    await expect(page).toHaveTitle(/Page not found/)
    await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible()
    await expectAccessible(page)
    await page.getByRole('link', { name: 'Go to the start page' }).click()
    await expect(page).toHaveURL('/')
  }
  await expect(page.getByRole('link', { name: 'Open dashboard' })).toBeVisible()
})

test('a server that makes a mistake: the page says so with a reference, and tries again', async ({
  page,
}) => {
  await openAsMember(page, '/account')
  await page.route('**/api/auth/me', mistake)
  await page.reload()
  await expect(page.getByRole('heading', { name: 'Something went wrong' })).toBeVisible()
  await expect(page.getByText('REFERENCE7')).toBeVisible()
  await expectAccessible(page)
  const again = page.waitForResponse('**/api/auth/me') // the heading is there before, too
  await page.getByRole('button', { name: 'Try again' }).click()
  await again
  await expect(page.getByRole('heading', { name: 'Something went wrong' })).toBeVisible()
  await page.unrouteAll({ behavior: 'wait' })
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('list', { name: 'Your devices' })).toBeVisible()
  await expect(page).toHaveURL('/account')

  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await expect(page).toHaveURL('/signin')
  await page.route('**/api/auth/login', mistake)
  await page.getByLabel('Email').fill('ada@example.com')
  await page.getByLabel('Password', { exact: true }).fill('a password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toContainText('REFERENCE7')
  await expectAccessible(page)
})

test('a page whose code does not come can be loaded again', async ({ page }) => {
  await openAsMember(page, '/dashboard')
  await page.route(/\/assets\/account-[^/]*\.js$/, (route) => route.abort())
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'This page could not be shown' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible() // the frame is still there
  await expectAccessible(page)
  await page.unrouteAll()
  await page.getByRole('button', { name: 'Load again' }).click()
  await expect(page).toHaveURL('/account')
  await expect(page.getByRole('list', { name: 'Your devices' })).toBeVisible()
})

test('offline and back', async ({ page, context }) => {
  await openAsMember(page, '/dashboard')
  const answer = page.getByRole('region', { name: 'Answer' })
  await context.setOffline(true)
  await expectOffline(page)
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(answer.getByRole('alert')).toContainText('The server cannot be reached')
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByText('You are still signed in')).toBeVisible()
  await expectAccessible(page)

  await context.setOffline(false)
  await expect(page.getByText('You are offline')).toHaveCount(0)
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(answer.getByRole('status')).toContainText('200')
  await expect(page).toHaveURL('/dashboard')

  // A page that was not loaded yet cannot be, and can when the network is back.
  await context.setOffline(true)
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  await expect(page.getByRole('main').getByRole('heading', { level: 1 })).toBeVisible()
  await context.setOffline(false)
  await page.getByRole('button', { name: /again/ }).click()
  await expect(page.getByRole('list', { name: 'Your devices' })).toBeVisible()
})
