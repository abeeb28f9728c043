import { chromium, type Page } from '@playwright/test'
import { enter, expect, newEmail, openAsMember, password, registered, signIn, test } from './test'

test.use({ expected: /401.* \/api\/(auth\/(me|events)|demo\/me)$/ })

/** Collects every part of `secret` that any document of the page paints from now on, for however short a time. */
async function lookOutFor(page: Page, secret: string): Promise<string[]> {
  const seen: string[] = []
  await page.exposeFunction('reportSecret', (where: string) => seen.push(where))
  const look = (text: string) => {
    const report = Reflect.get(window, 'reportSecret') as (where: string) => void
    const check = () => {
      if (document.documentElement?.textContent.includes(text)) report(location.href)
    }
    new MutationObserver(check).observe(document, { childList: true, subtree: true, characterData: true })
    window.addEventListener('pageshow', check)
  }
  await page.addInitScript(look, secret)
  return seen
}

test('another user who signs in in another tab takes this one over, with nothing left of the first', async ({
  page,
  context,
}) => {
  const ada = await openAsMember(page, '/dashboard')
  await page.getByRole('radio', { name: /Add a note/ }).check()
  await page.getByLabel('Text of the note').fill('Ada’s own')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByLabel('Response body')).toContainText('Ada’s own')

  const other = await context.newPage()
  await other.goto('/dashboard')
  await other.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByText('You signed out in another tab.')).toBeVisible()
  const bob = newEmail()
  const answer = await other.request.post('/api/auth/register', {
    data: { email: bob, password, name: 'Bob' },
  })
  expect(answer.status()).toBe(201)
  await signIn(other, bob)
  await expect(other).toHaveURL('/dashboard')

  await expect(page).toHaveURL('/dashboard')
  await expect(page.getByText(bob)).toBeVisible()
  for (const tab of [page, other]) {
    expect(await tab.content()).not.toContain(ada)
    expect(await tab.content()).not.toContain('Ada’s own')
  }
  await page.getByRole('radio', { name: /notes it keeps/ }).check()
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByLabel('Response body')).toContainText('"notes": []')
})

test('a session that is another one behind the page’s back is noticed with the next answer', async ({
  page,
}) => {
  const ada = await openAsMember(page, '/dashboard')
  const bob = await registered(page)
  await enter(page, bob)
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByText(bob).first()).toBeVisible()
  expect(await page.content()).not.toContain(ada)
})

test('after signing out neither the back button nor another document shows the last user', async ({
  page,
}) => {
  const ada = await openAsMember(page, '/dashboard')
  await page.goto('/account')
  await expect(page.getByText(ada)).toBeVisible()
  await page.reload()
  await expect(page.getByText(ada)).toBeVisible()
  await expect(page).toHaveURL('/account')

  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByText('You are signed out')).toBeVisible()
  const seen = await lookOutFor(page, ada)
  await page.goto('/') // a document of its own
  await expect(page.getByRole('link', { name: 'Create account' })).toBeVisible()
  for (let back = 0; back < 2; back++) {
    await page.goBack()
    await expect(page).toHaveURL(/\/signin/)
    await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  }
  expect(seen).toEqual([])
})

test('a page that the browser kept for the back button shows nothing before /me has responded', async ({
  baseURL,
  launchOptions,
}) => {
  // Playwright switches the back/forward cache off; people do not.
  const browser = await chromium.launch({
    ...launchOptions,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
  try {
    const context = await browser.newContext({ ...(baseURL && { baseURL }) })
    const page = await context.newPage()
    const ada = await registered(page)
    await enter(page, ada)
    await page.goto('/dashboard')
    await expect(page.getByText(ada)).toBeVisible()
    await page.evaluate((email) => {
      addEventListener('pageshow', ({ persisted }) => {
        if (!persisted) return
        requestAnimationFrame(() => {
          Reflect.set(window, 'firstFrame', document.body.textContent.includes(email) ? 'theirs' : 'nothing')
        })
      })
    }, ada)
    // No page of the app: that would tell the kept one to ask, and Chromium then gives it up.
    await page.goto('/healthz')
    await page.request.post('/api/auth/logout')
    await page.evaluate(() => history.back())
    await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
    await expect(page.getByText(ada)).toHaveCount(0)
    expect(await page.evaluate(() => Reflect.get(window, 'firstFrame'))).toBe('nothing')
  } finally {
    await browser.close()
  }
})
