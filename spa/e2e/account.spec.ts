import { devices as models } from '@playwright/test'
import { enter, expect, expectAccessible, openAsMember, password, signIn, test } from './test'

const newPassword = 'quiet copper meadow 4'

test.use({
  expected:
    /(401.* \/api\/auth\/(me|login)|403.* \/api\/auth\/(me|password)|ERR_FAILED \/api\/auth\/(sessions|activity))$/,
})

test('an account is renamed, its password changed, a device ended, and all of it deleted', async ({
  page,
  device,
}) => {
  const email = await openAsMember(page, '/account')
  await expect(page.getByText('You are signed in on this device only.')).toBeVisible()
  await expectAccessible(page)

  // The name, which the dashboard knows at once.
  await page.getByLabel('Name').fill('Ada King')
  await page.getByRole('button', { name: 'Save name' }).click()
  await expect(page.getByText('Name saved.')).toBeVisible()
  await page.goto('/dashboard')
  await expect(page.getByText('Ada King')).toBeVisible()

  // A phone is signed in as well, and out by the change of the password.
  const there = await device({ userAgent: models['iPhone 15'].userAgent })
  await enter(there, email)
  await there.goto('/dashboard')
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  const devices = page.getByRole('list', { name: 'Your devices' }).getByRole('listitem')
  await expect(devices).toHaveCount(2)
  await expect(devices.first()).toContainText('This device')
  await expect(devices.last()).toContainText('Safari on iPhone')

  const current = page.getByLabel('Current password', { exact: true })
  await current.fill('not my password')
  await page.getByLabel('New password', { exact: true }).fill(newPassword)
  await page.getByRole('button', { name: 'Change password' }).click()
  await expect(page.getByText('This is not your current password.')).toBeVisible()
  await expect(current).toBeFocused()
  await expectAccessible(page)
  await current.fill(password)
  await current.press('Enter')
  await expect(page.getByText('Password changed. Your other devices were signed out.')).toBeVisible()
  await expect(devices).toHaveCount(1)
  await expect(there).toHaveURL(/\/signin/)
  await expect(there.getByText('Your password was changed')).toBeVisible()

  // It signs in again with the new one, and is ended by hand.
  await signIn(there, email, newPassword)
  await expect(there).toHaveURL('/dashboard')
  await page.goto('/dashboard')
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  await page.getByRole('button', { name: 'Sign out Safari on iPhone' }).click()
  await expect(page.getByText('Safari on iPhone was signed out.')).toBeVisible()
  // The pressed button is gone, the focus is not.
  await expect(page.getByRole('region', { name: 'Devices' }).locator(':focus')).toHaveCount(1)
  await expect(devices).toHaveCount(1)
  await there.goto('/dashboard')
  await expect(there).toHaveURL(/\/signin/)

  // The keyboard alone: Escape leaves the dialog and gives the focus back.
  const remove = page.getByRole('button', { name: 'Delete account…' })
  await remove.focus()
  await page.keyboard.press('Enter')
  const confirmation = page.getByRole('dialog', { name: 'Delete your account?' })
  await expect(confirmation.getByLabel('Your password', { exact: true })).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(confirmation).toHaveCount(0)
  await expect(remove).toBeFocused()

  await page.keyboard.press('Enter')
  await page.keyboard.type(password)
  await page.keyboard.press('Enter')
  await expect(confirmation.getByText('This is not your password.')).toBeVisible()
  await expectAccessible(page)
  await page.keyboard.type(newPassword)
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL('/')
  await expect(page.getByText('Your account is deleted')).toBeInViewport()
  await expect(page.getByRole('link', { name: 'Create account' })).toBeVisible()
  await expectAccessible(page)
  await page.goto('/signin')
  await signIn(page, email, newPassword)
  await expect(page.getByRole('alert')).toContainText('Email or password is wrong')
})

test('the account page on a phone, full, and with a server that fails', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 })
  const fits = async () => {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(over).toBeLessThanOrEqual(0)
  }
  await openAsMember(page, '/dashboard')
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  await expect(page.getByRole('list', { name: 'Account activity' })).toBeVisible()
  await fits()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Delete account…' }).click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await fits()
  await page.keyboard.press('Escape')

  // Left and entered again, while nothing can be had.
  await page.route(/\/api\/auth\/(sessions|activity)/, (route) => route.abort())
  await page.evaluate(() => history.back())
  await expect(page).toHaveURL('/dashboard')
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  await expect(page.getByRole('alert')).toHaveCount(2)
  await fits()
  await expectAccessible(page)
  await page.unrouteAll()
  for (const list of ['Your devices', 'Account activity']) {
    await page.getByRole('button', { name: 'Try again' }).first().click()
    await expect(page.getByRole('list', { name: list })).toBeVisible()
  }
})
