import AxeBuilder from '@axe-core/playwright'
import {
  expect,
  test as base,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from '@playwright/test'
import type { StackOptions } from '../playwright.config'
import { stackAt, type Stack } from './stack'

export const password = 'plain orbit lantern 7'

/** Made by the stack, for all tests. */
export const ADMIN = 'root@example.com'

/**
 * For events that the server sends to a page: half a second on an idle machine, and minutes for a page without its
 * stream.
 */
export const AT_ONCE = { timeout: 15_000 }

/** An address that is unique in the run. */
export function newEmail(): string {
  return `ada.${Date.now()}.${Math.floor(Math.random() * 1e6)}@example.com`
}

interface Fixtures extends StackOptions {
  expected: RegExp
  findings: string[]
  console: void
  /** A page in another browser: with cookies of its own, watched like the test's own page. */
  device: (options?: BrowserContextOptions) => Promise<Page>
  stack: Stack
}

/**
 * Every test ends with a clean console: no error, no warning, no violation of the Content-Security-Policy, in any
 * page of any browser it has opened. The browser itself writes a line for each answer that is not 2xx; `expected`
 * matches the ones a test provokes.
 */
export const test = base.extend<Fixtures>({
  control: ['', { option: true }],
  // oxlint-disable-next-line no-empty-pattern -- Playwright wants a destructured first argument
  expected: async ({}, use) => {
    // Every visit without a session starts with a 401 of /me.
    await use(/401.* \/api\/auth\/me$/)
  },
  // oxlint-disable-next-line no-empty-pattern -- the same
  findings: async ({}, use) => {
    await use([])
  },
  console: [
    async ({ context, expected, findings }, use) => {
      await watch(context, expected, findings)
      await use()
      expect(findings, 'the console').toEqual([])
    },
    { auto: true },
  ],
  device: async ({ browser, baseURL, expected, findings }, use) => {
    const opened: BrowserContext[] = []
    await use(async (options = {}) => {
      const context = await browser.newContext({ ...(baseURL && { baseURL }), ...options })
      opened.push(context)
      await watch(context, expected, findings)
      return context.newPage()
    })
    for (const context of opened) await context.close()
  },
  stack: async ({ control }, use) => {
    await use(stackAt(control))
  },
})

async function watch(context: BrowserContext, expected: RegExp, findings: string[]): Promise<void> {
  context.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return
    const { pathname } = new URL(message.location().url || 'http://nowhere/')
    const line = `${message.text()} ${pathname}`
    const load = line.startsWith('Failed to load resource')
    if (!(load && expected.test(line))) findings.push(line)
  })
  context.on('weberror', (error) => findings.push(`uncaught: ${error.error().message}`))
  await context.exposeFunction('reportViolation', (violation: string) => findings.push(`CSP: ${violation}`))
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      if (event.disposition === 'report') return // what the development server's client does
      const report = Reflect.get(window, 'reportViolation') as (violation: string) => void
      report(`${event.violatedDirective} ${event.blockedURI}`)
    })
  })
}

export { expect }

/** Nothing to find for axe, in the light and in the dark. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    // In the page itself: there are no frames, and a tab of axe's own for each look is most of the time.
    const axe = new AxeBuilder({ page }).setLegacyMode()
    // The dark page is the same page in other colours.
    if (colorScheme === 'light') axe.options({ rules: { 'target-size': { enabled: true } } })
    else axe.withRules(['color-contrast', 'link-in-text-block'])
    const { violations } = await axe.analyze()
    const found = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`,
    )
    expect(found, `axe in the ${colorScheme}`).toEqual([])
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null })
}

/** An account of Ada's, made without the sign-up page: for tests of what comes after it. */
export async function registered(page: Page): Promise<string> {
  const email = newEmail()
  const answer = await page.request.post('/api/auth/register', {
    data: { email, password, name: 'Ada Lovelace' },
  })
  expect(answer.status()).toBe(201)
  return email
}

/** Gives the page's browser a session without the sign-in page. */
export async function enter(page: Page, email: string, remember = false): Promise<void> {
  const answer = await page.request.post('/api/auth/login', { data: { email, password, remember } })
  expect(answer.status()).toBe(200)
}

/** A new account, signed in, on this page. */
export async function openAsMember(page: Page, path: string): Promise<string> {
  const email = await registered(page)
  await enter(page, email)
  await page.goto(path)
  await expect(page.getByRole('button', { name: 'Sign out', exact: true })).toBeVisible()
  return email
}

/** On the sign-up page, as a visitor does it. */
export async function signUp(page: Page, email: string): Promise<void> {
  await page.goto('/signup')
  await page.getByLabel('Name').fill('Ada Lovelace')
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await expect(page.getByText('Strong.')).toBeVisible()
  await page.getByRole('button', { name: 'Create account' }).click()
  await expect(page.getByText('Your account is ready')).toBeVisible()
}

/** On the sign-in page. */
export async function signIn(page: Page, email: string, secret = password): Promise<void> {
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
}
