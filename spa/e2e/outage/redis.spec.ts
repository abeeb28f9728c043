import { expect, expectAccessible, openAsMember, password, registered, signIn, test } from '../test'

test.use({
  expected: /(401.* \/api\/auth\/me|503.* \/api\/(auth|demo)\/.*|ERR_.* \/api\/auth\/events)$/,
})

// A failed test must not leave the next one without servers.
test.afterEach(async ({ stack }) => {
  for (const server of ['redis', 'mariadb'] as const) await stack.start(server).catch(() => {}) // it runs already
})

test('while Redis is down sessions go on, none ends, and all recovers by itself', async ({
  page,
  device,
  stack,
}) => {
  const email = await openAsMember(page, '/dashboard')
  const answer = page.getByRole('region', { name: 'Answer' })
  const send = page.getByRole('button', { name: 'Send' })
  await send.click()
  await expect(answer.getByRole('status')).toContainText('200')
  const visitor = await device()
  const other = await registered(visitor)
  await visitor.goto('/signin')

  await stack.stop('redis')
  // A good access token needs no store.
  await send.click()
  await expect(answer.getByRole('status')).toContainText('200')
  await page.reload()
  await expect(page.getByText(email)).toBeVisible()
  // The devices cannot be listed, and what can is.
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  const devices = page.getByRole('region', { name: 'Devices' })
  await expect(devices.getByRole('alert')).toContainText('The service is unavailable')
  await expect(page.getByRole('list', { name: 'Account activity' })).toBeVisible()
  await expectAccessible(page)

  await signIn(visitor, other)
  await expect(visitor.getByRole('alert')).toContainText('The service is unavailable')
  await expectAccessible(visitor)

  // A stale one does: the call says so, a page that is loaded says so, and both stay.
  await stack.advance('20m')
  await page.getByRole('link', { name: 'Dashboard', exact: true }).click()
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(answer.getByRole('status')).toContainText('503')
  await expect(page).toHaveURL('/dashboard')
  await expect(page.getByText(email)).toBeVisible()
  await page.reload()
  await expect(page.getByRole('heading', { name: 'The service is unavailable' })).toBeVisible()
  await expect(page).toHaveURL('/dashboard')
  await expectAccessible(page)
  expect((await page.context().cookies()).map(({ name }) => name)).toContain('refresh_token')

  await stack.start('redis')
  await expect(async () => {
    const again = page.getByRole('button', { name: 'Try again' })
    if (await again.isVisible()) await again.click({ timeout: 2000 })
    await expect(page.getByText(email)).toBeVisible({ timeout: 2000 })
  }).toPass({ timeout: 60_000 })
  await send.click()
  await expect(answer.getByRole('status')).toContainText('200')
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  await expect(page.getByText('You are signed in on this device only.')).toBeVisible()
})

test('signing out while Redis is down empties this browser at once, and ends the session later', async ({
  page,
  stack,
}) => {
  await openAsMember(page, '/dashboard')
  const cookies = await page.context().cookies()
  await stack.stop('redis')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByText('You are signed out')).toBeVisible()
  await page.goto('/dashboard')
  await expect(page).toHaveURL(/\/signin/)

  await stack.start('redis')
  await page.context().addCookies(cookies)
  await expect
    .poll(async () => (await page.request.get('/api/auth/me')).status(), { timeout: 60_000 })
    .toBe(401)
})

test('while MariaDB is down sessions go on, and the forms of sign-in and sign-up say so', async ({
  page,
  device,
  stack,
}) => {
  const email = await openAsMember(page, '/dashboard')
  const visitor = await device()
  await visitor.goto('/signup')
  await stack.stop('mariadb')
  await stack.advance('20m')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByText('Session renewed on the way')).toBeVisible()
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  await expect(page.getByText('You are signed in on this device only.')).toBeVisible()
  await expect(page.getByRole('region', { name: 'Activity' }).getByRole('alert')).toContainText('unavailable')
  await page.getByLabel('Name').fill('Ada King')
  await page.getByRole('button', { name: 'Save name' }).click()
  await expect(page.getByRole('form', { name: 'Profile' }).getByRole('alert')).toContainText('unavailable')

  await visitor.getByLabel('Email').fill(`visitor.${email}`)
  await visitor.getByLabel('Password', { exact: true }).fill(password)
  await visitor.getByRole('button', { name: 'Create account' }).click()
  await expect(visitor.getByRole('alert')).toContainText('The service is unavailable')

  // What was typed is still there, and does it in the end.
  await stack.start('mariadb')
  const ready = visitor.getByText('Your account is ready')
  await expect(async () => {
    // An attempt that took long has left the form.
    if (!(await ready.isVisible()))
      await visitor.getByRole('button', { name: 'Create account' }).click({ timeout: 2000 })
    await expect(ready).toBeVisible({ timeout: 3000 })
  }).toPass({ timeout: 60_000 })
})
