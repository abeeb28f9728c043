import type { Page } from '@playwright/test'
import { ADMIN, AT_ONCE, enter, expect, expectAccessible, openAsMember, signIn, test } from './test'

// A session that ends while a page is open may show there as a 401.
test.use({ expected: /401.* \/api\/auth\/(me|login|events)$/ })

async function openAsAdmin(page: Page): Promise<Page> {
  await enter(page, ADMIN)
  await page.goto('/dashboard')
  return page
}

async function find(admin: Page, email: string) {
  await admin.getByRole('link', { name: 'Users' }).click()
  await admin.getByRole('searchbox').fill(email)
  await expect(admin).toHaveURL(`/admin/users?q=${encodeURIComponent(email)}`)
  const rows = admin.getByRole('list', { name: 'Accounts' }).getByRole('listitem')
  await expect(rows).toHaveCount(1)
  await expect(rows).toContainText(email)
  return rows
}

async function change(
  admin: Page,
  row: ReturnType<Page['locator']>,
  action: RegExp,
  yes: string,
): Promise<void> {
  await row.getByRole('button', { name: action }).click()
  await admin.getByRole('dialog').getByRole('button', { name: yes }).click()
  await expect(admin.getByRole('dialog')).toHaveCount(0)
}

test('an administrator changes the role of a signed-in user', async ({ page, device }) => {
  const email = await openAsMember(page, '/dashboard')
  await expect(page.getByRole('link', { name: 'Users' })).toHaveCount(0)
  await page.evaluate(() => Reflect.set(window, 'notReloaded', true))

  const admin = await openAsAdmin(await device())
  const row = await find(admin, email)
  await expectAccessible(admin)
  await row.getByRole('button', { name: /^Make admin/ }).click()
  await expectAccessible(admin)
  await admin.keyboard.press('Escape')
  await expect(row.getByRole('button', { name: /^Make admin/ })).toBeFocused()

  await change(admin, row, /^Make admin/, 'Make administrator')
  await page.getByRole('link', { name: 'Users' }).click(AT_ONCE)
  await expect(page.getByRole('list', { name: 'Accounts' })).toBeVisible()

  await change(admin, row, /^Make user/, 'Make user')
  await expect(page.getByRole('heading', { name: 'This page is for administrators' })).toBeVisible(AT_ONCE)
  await expect(page.getByRole('link', { name: 'Users' })).toHaveCount(0)
  expect(await page.evaluate(() => Reflect.get(window, 'notReloaded'))).toBe(true)
  await expectAccessible(page)

  await row.getByRole('link', { name: /Audit trail/ }).click()
  const events = admin.getByRole('list', { name: 'Events' })
  await expect(events.getByRole('heading', { name: 'Role changed' })).toHaveCount(2)
  await expect(events.getByText('admin to user').filter({ visible: true })).toBeVisible()
  await expectAccessible(admin)
  await admin.getByLabel('What happened').selectOption('Account created')
  await expect(events.getByRole('listitem')).toHaveCount(1)
})

test('an administrator disables a user with two tabs and unsent text', async ({ page, context, device }) => {
  const email = await openAsMember(page, '/dashboard')
  const other = await context.newPage()
  await other.goto('/dashboard')
  await page.getByRole('radio', { name: /Add a note/ }).check()
  await page.getByLabel('Text of the note').fill('Water the plants')

  const admin = await openAsAdmin(await device())
  await change(admin, await find(admin, email), /^Disable/, 'Disable')

  for (const tab of [page, other]) {
    await expect(tab.getByText('Your account was disabled')).toBeVisible(AT_ONCE)
    await expect(tab).toHaveURL('/signin?next=%2Fdashboard')
  }
  await expect(page.getByText(/What you had typed and not sent was not kept/)).toBeVisible()
  await expect(other.getByText(/What you had typed/)).toHaveCount(0)
  await expectAccessible(page)
  await page.goBack()
  await expect(page.getByText(email)).toHaveCount(0)
})

test('an administrator signs a user out everywhere, who comes back to the same place', async ({
  page,
  device,
}) => {
  const email = await openAsMember(page, '/dashboard?tab=2')

  const admin = await openAsAdmin(await device())
  await change(admin, await find(admin, email), /^Sign out everywhere/, 'Sign out everywhere')
  await expect(page.getByText('An administrator has signed you out everywhere.')).toBeVisible(AT_ONCE)
  await signIn(page, email)
  await expect(page).toHaveURL('/dashboard?tab=2')
})
