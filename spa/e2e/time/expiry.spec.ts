import { AT_ONCE, enter, expect, expectAccessible, openAsMember, registered, signIn, test } from '../test'

// What expires is refused first, and the browser notes that down.
test.use({ expected: /401.* \/api\/(auth\/(me|refresh|sessions|activity|events)|demo\/(me|notes))$/ })

test('an access token that expires during work is refreshed on the way', async ({ page, stack }) => {
  await page.clock.install({ time: await stack.advance('0s') })
  await openAsMember(page, '/dashboard')
  await expect(page.getByRole('timer')).toHaveText(/^in 1[45]:\d\d$/)
  const answer = page.getByRole('region', { name: 'Answer' })
  const send = page.getByRole('button', { name: 'Send' })
  await send.click()
  await expect(answer.getByText('Session not renewed')).toBeVisible()

  // Lunch.
  await stack.advance('20m')
  await page.clock.fastForward('20:00')
  await expect(page.getByRole('timer')).toHaveText('with your next call')
  await page.getByRole('radio', { name: /Add a note/ }).check()
  await page.getByLabel('Text of the note').fill('Written over lunch')
  await send.click()
  await expect(answer.getByRole('status')).toContainText('201')
  await expect(answer.getByText('Session renewed on the way')).toBeVisible()
  await expect(page.getByRole('timer')).toHaveText(/^in 1[45]:\d\d$/)
  await page.clock.fastForward('00:05') // by now it counts by the clock of the last answer
  await expect(page.getByRole('timer')).toHaveText(/^in 14:\d\d$/)
  await expectAccessible(page)

  // It was sent once, and nothing is renewed that is fresh.
  await page.getByRole('radio', { name: /notes it keeps/ }).check()
  await send.click()
  await expect(answer.getByText('Session not renewed')).toBeVisible()
  const notes = await answer.getByLabel('Response body').innerText()
  expect(notes.match(/over lunch/g)).toHaveLength(1)

  // Another page, after another break.
  await stack.advance('20m')
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  await expect(page.getByText('You are signed in on this device only.')).toBeVisible()
  await expect(page.getByRole('list', { name: 'Account activity' })).toBeVisible()
  await stack.advance('20m')
  await page.reload()
  await expect(page.getByRole('heading', { name: 'Account', exact: true })).toBeVisible()
})

test('calls that get session_expired at once share one refresh', async ({ page }) => {
  await openAsMember(page, '/dashboard')
  const sent: string[] = []
  page.on('request', (request) => sent.push(`${request.method()} ${new URL(request.url()).pathname}`))
  // The server renews on the way and would not say so: this is what an older one, or a proxy between, may do.
  const refused = new Set<string>()
  await page.route(/\/api\/auth\/(sessions|activity)/, (route) => {
    const url = route.request().url()
    if (refused.has(url)) return route.continue()
    refused.add(url)
    return route.fulfill({
      status: 401,
      contentType: 'application/problem+json',
      body: JSON.stringify({ status: 401, code: 'session_expired', title: 'Unauthorized' }),
    })
  })
  await page.getByRole('link', { name: 'Account', exact: true }).click()
  await expect(page.getByRole('list', { name: 'Your devices' })).toBeVisible()
  await expect(page.getByRole('list', { name: 'Account activity' })).toBeVisible()
  expect(sent.filter((one) => one === 'POST /api/auth/refresh')).toHaveLength(1)
  for (const list of ['GET /api/auth/sessions', 'GET /api/auth/activity']) {
    expect(sent.filter((one) => one === list)).toHaveLength(2)
  }
})

test('a session that was left alone for a week has expired, and leads back to the same place', async ({
  page,
  stack,
}) => {
  const email = await openAsMember(page, '/dashboard?tab=2')
  await stack.advance('169h')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByText('Your session has expired')).toBeVisible()
  await expect(page).toHaveURL('/signin?next=%2Fdashboard%3Ftab%3D2')
  await expectAccessible(page)
  await signIn(page, email)
  await expect(page).toHaveURL('/dashboard?tab=2')
})

test('a session that comes to its absolute end says so in time, and ends on the minute', async ({
  page,
  stack,
}) => {
  const email = await registered(page)
  await enter(page, email, true)
  for (let month = 0; month < 3; month++) {
    await stack.advance('696h')
    expect((await page.request.get('/api/auth/me')).status()).toBe(200)
  }
  await page.goto('/dashboard')
  await expect(page.getByText('Stays signed in')).toBeVisible()
  await expect(page.getByText(/^This session ends on/)).toHaveCount(0)
  await stack.advance('71h56m') // of the 72 hours that are left of 90 days
  await expect(page.getByText(/^This session ends on/)).toBeVisible(AT_ONCE)
  await expectAccessible(page)
  await stack.advance('4m')
  await expect(page.getByText('Your session has expired')).toBeVisible(AT_ONCE)
  await expect(page).toHaveURL('/signin?next=%2Fdashboard')
})
