import { expect, expectAccessible, password, registered, signIn, test } from '../test'

test.use({ expected: /(401.* \/api\/auth\/me|429.* \/api\/auth\/login)$/ })

test('after wrong guesses sign-in has to wait, shows how long, and works afterwards', async ({
  page,
  stack,
}) => {
  await page.clock.install({ time: await stack.advance('0s') })
  const email = await registered(page)
  const guess = async () => {
    const data = { email, password: 'not my password' }
    return (await page.request.post('/api/auth/login', { data })).status()
  }
  for (let free = 0; free < 5; free++) expect(await guess()).toBe(401)
  for (const wait of ['1s', '2s', '4s', '8s']) {
    await stack.advance(wait)
    expect(await guess()).toBe(401)
  }

  // Now it is 16 seconds, for the right password too.
  await page.goto('/signin')
  let asked = 0
  page.on('request', (request) => {
    if (request.url().endsWith('/api/auth/login')) asked++
  })
  await signIn(page, email)
  await expect(page.getByRole('alert')).toContainText('Too many attempts')
  const button = page.getByRole('button', { name: /^Try again in 1[3-6] s$/ })
  await expect(button).toBeVisible()
  await expectAccessible(page)
  // Neither the mouse nor the keyboard asks in between.
  await page.getByRole('button', { name: /^Try again in/ }).click({ force: true })
  await page.getByLabel('Password', { exact: true }).press('Enter')
  await page.clock.fastForward('00:05')
  await expect(page.getByRole('button', { name: /^Try again in ([1-9]|1[01]) s$/ })).toBeVisible()
  expect(asked).toBe(1)

  await stack.advance('16s')
  await page.clock.fastForward('00:11')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page).toHaveURL('/dashboard')
  expect(asked).toBe(2)
  await expect(page.getByText(password)).toHaveCount(0)
})
