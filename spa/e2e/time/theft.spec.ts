import type { Page } from '@playwright/test'
import { AT_ONCE, expect, expectAccessible, openAsMember, signIn, test } from '../test'

test.use({ expected: /401.* \/api\/(auth\/(me|refresh|events)|demo\/me)$/ })

const WORDS = 'Your session was ended for your safety'

/** Renews the stale session of this page by a call, and uses what it got. */
async function renew(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByText('Session renewed on the way')).toBeVisible()
}

test('a thief who comes after the owner ends the session for both', async ({ page, device, stack }) => {
  const email = await openAsMember(page, '/dashboard')
  const thief = await device()
  await thief.context().addCookies(await page.context().cookies())
  await thief.goto('/dashboard')
  await expect(thief.getByText(email)).toBeVisible()

  await stack.advance('20m')
  await renew(page)
  await stack.advance('16s') // no late traffic any more
  await thief.getByRole('button', { name: 'Send' }).click()

  for (const one of [page, thief]) {
    await expect(one.getByText(WORDS)).toBeVisible(AT_ONCE)
    await expect(one).toHaveURL('/signin?next=%2Fdashboard')
    await expect(one.getByText(email)).toHaveCount(0)
  }
  await expect(page.getByText(/used from two places at once/)).toBeVisible()
  await expectAccessible(page)
  // What the thief has is worth nothing, reload or not.
  await thief.goto('/dashboard')
  await expect(thief).toHaveURL('/signin?next=%2Fdashboard')

  await signIn(page, email)
  await expect(page).toHaveURL('/dashboard')
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  await expect(page.getByRole('list', { name: 'Account activity' })).toContainText(
    /two places|stolen|copied/i,
  )
})

test('a thief who comes before the owner is out with the owner’s next call', async ({
  page,
  device,
  stack,
}) => {
  await openAsMember(page, '/dashboard')
  const thief = await device()
  await thief.context().addCookies(await page.context().cookies())
  await thief.goto('/dashboard')
  await stack.advance('20m')
  await renew(thief)
  await stack.advance('16s')
  await page.getByRole('button', { name: 'Send' }).click()
  for (const one of [page, thief]) {
    await expect(one.getByText(WORDS)).toBeVisible(AT_ONCE)
    await expect(one).toHaveURL('/signin?next=%2Fdashboard')
  }
})
