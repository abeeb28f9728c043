import type { Page } from '@playwright/test'
import {
  ADMIN,
  enter,
  expect,
  expectAccessible,
  newEmail,
  openAsMember,
  password,
  registered,
  test,
} from './test'

test.use({
  viewport: { width: 360, height: 740 },
  hasTouch: true,
  isMobile: true,
  expected: /(401.* \/api\/auth\/me|404.* \/no\/such\/page)$/,
})

/** Usable with a thumb: nothing is out at the side, nothing is smaller than 24 px. */
async function expectFitsAPhone(page: Page): Promise<void> {
  const { wide, small } = await page.evaluate(() => {
    const shown = (element: Element) =>
      element.checkVisibility({ visibilityProperty: true, opacityProperty: false })
    const width = document.documentElement.clientWidth
    const targets = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
    const tooSmall = targets.filter((target) => {
      // In a sentence, and off the screen until it has the focus.
      if (!shown(target) || target.matches('p a, p button, a[href="#main"]')) return false
      const box = (target.closest('label') ?? target).getBoundingClientRect()
      return box.width < 24 || box.height < 24
    })
    return {
      wide: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - width,
      small: tooSmall.map((target) => target.outerHTML.slice(0, 160)),
    }
  })
  expect(wide, `${page.url()} is wider than the screen`).toBeLessThanOrEqual(0)
  expect(small, `${page.url()} has targets that are too small`).toEqual([])
}

/** Both, for a state that no other test looks at on a phone. */
async function expectGood(page: Page): Promise<void> {
  await expectFitsAPhone(page)
  await expectAccessible(page)
}

test('for a visitor', async ({ page }) => {
  await page.goto('/')
  await expect(page.getByRole('link', { name: 'Create account' })).toBeVisible()
  await expectGood(page)
  await page.goto('/signup')
  await page.getByRole('button', { name: 'Create account' }).click()
  await expect(page.getByText('Enter your email address.')).toBeVisible()
  await expectGood(page)
  await page.goto('/signin?next=%2Fdashboard')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByText('Enter your password.')).toBeVisible()
  await expectGood(page)
  await page.goto('/no/such/page')
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible()
  await expectGood(page)
})

test('for a member, with the longest name and address there are', async ({ page }) => {
  const email = `averylongpartwithoutanyhyphen.${newEmail()}`
  const name = 'Wolfeschlegelsteinhausenbergerdorff'.repeat(2)
  const data = { email, password, name }
  expect((await page.request.post('/api/auth/register', { data })).status()).toBe(201)
  await enter(page, email)
  await page.goto('/dashboard')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByText('What the API saw of you')).toBeVisible()
  await expectGood(page)
  await page.getByRole('radio', { name: /live stream/ }).check()
  await page.getByRole('button', { name: 'Start the stream' }).click()
  await expect(page.getByText(/Live · 1 event/)).toBeVisible()
  await expectFitsAPhone(page)

  await page.getByRole('link', { name: 'Account', exact: true }).click()
  await expect(page.getByRole('list', { name: 'Account activity' })).toBeVisible()
  await expectFitsAPhone(page)
  await page.getByRole('button', { name: 'Delete account…' }).click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await expectGood(page)
  await page.keyboard.press('Escape')
  await page.goto('/no/such/page')
  await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible()
  await expectFitsAPhone(page)
  await page.goto('/admin/users')
  await expect(page.getByRole('heading', { name: 'This page is for administrators' })).toBeVisible()
  await expectGood(page)
})

test('for an administrator', async ({ page }) => {
  const email = await registered(page)
  await enter(page, ADMIN)
  await page.goto(`/admin/users?q=${email}`)
  const row = page.getByRole('list', { name: 'Accounts' }).getByRole('listitem')
  await expect(row).toHaveCount(1)
  await expectGood(page)
  await row.getByRole('button', { name: /^Disable/ }).click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await expectGood(page)
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('searchbox').fill('nobody has this in the name')
  await expect(page.getByText(/Nobody’s name or email/)).toBeVisible()
  await expectFitsAPhone(page)
  await page.getByRole('link', { name: 'Audit', exact: true }).click()
  await expect(page.getByRole('list', { name: 'Events' })).toBeVisible()
  await page.getByText('Details', { exact: false }).first().click()
  await expectGood(page)
})

test('a phone on its side, and one with large text', async ({ page }) => {
  await page.setViewportSize({ width: 740, height: 360 })
  await openAsMember(page, '/dashboard')
  await expectFitsAPhone(page)
  // 200 % of the text at 1280 px is 320 px for a page that measures in rem (WCAG 1.4.4, 1.4.10).
  await page.setViewportSize({ width: 320, height: 640 })
  for (const path of ['/dashboard', '/account']) {
    await page.goto(path)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    await expectFitsAPhone(page)
  }
})
