import { devices } from '@playwright/test'
import { AT_ONCE, enter, expect, expectAccessible, openAsMember, signIn, test } from './test'

// A session that ends while a page is open may show there as a 401.
test.use({ expected: /401.* \/api\/(auth\/(me|events)|demo\/me)$/ })

const { userAgent } = devices['iPhone 15']

test('a device ends another, then all others, and both come back to where they were', async ({
  page,
  device,
}) => {
  const email = await openAsMember(page, '/account')
  const phone = await device({ userAgent })
  await enter(phone, email)
  await phone.goto('/dashboard?tab=2')
  await expect(phone.getByText(email)).toBeVisible()
  await page.reload()
  const list = page.getByRole('list', { name: 'Your devices' }).getByRole('listitem')
  await expect(list).toHaveCount(2)

  await page.getByRole('button', { name: 'Sign out Safari on iPhone' }).click()
  await expect(phone.getByText('It was signed out from another of your devices.')).toBeVisible(AT_ONCE)
  await expect(phone).toHaveURL('/signin?next=%2Fdashboard%3Ftab%3D2')
  await expect(phone.getByText(email)).toHaveCount(0)
  await expectAccessible(phone)
  await expect(list).toHaveCount(1)

  await signIn(phone, email)
  await expect(phone).toHaveURL('/dashboard?tab=2')
  await page.reload()
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
  await expect(page.getByText('All other devices were signed out.')).toBeVisible()
  await expect(phone.getByText('Your session was ended')).toBeVisible(AT_ONCE)
  await expect(list).toHaveCount(1)
  await expect(page).toHaveURL('/account')
})

test('signing out everywhere empties every device and every tab', async ({ page, context, device }) => {
  const email = await openAsMember(page, '/account')
  const tab = await context.newPage()
  await tab.goto('/dashboard?tab=3')
  const phone = await device({ userAgent })
  await enter(phone, email)
  await phone.goto('/dashboard?tab=2')
  await expect(phone.getByText(email)).toBeVisible()
  await expect(tab.getByText(email)).toBeVisible()

  const status = await phone.evaluate(
    async () => (await fetch('/api/auth/logout-all', { method: 'POST' })).status,
  )
  expect(status).toBe(204)
  for (const [one, next] of [
    [page, '%2Faccount'],
    [tab, '%2Fdashboard%3Ftab%3D3'],
    [phone, '%2Fdashboard%3Ftab%3D2'],
  ] as const) {
    await expect(one.getByRole('status').filter({ hasText: /ended|signed out/ })).toBeVisible(AT_ONCE)
    await expect(one).toHaveURL(`/signin?next=${next}`)
    await expect(one.getByText(email)).toHaveCount(0)
  }
  // A new sign-in in one tab brings every tab back to its page.
  await signIn(page, email)
  await expect(page).toHaveURL('/account')
  await expect(tab).toHaveURL('/dashboard?tab=3')
  await expect(phone).toHaveURL('/signin?next=%2Fdashboard%3Ftab%3D2')
})
