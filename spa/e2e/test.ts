import AxeBuilder from '@axe-core/playwright'
import { expect, test as base, type Page } from '@playwright/test'

export const password = 'plain orbit lantern 7'

/** An address that nobody else in the run has. */
export function newEmail(): string {
  return `ada.${Date.now()}.${Math.floor(Math.random() * 1e6)}@example.com`
}

/**
 * Every test ends with a clean console: no error, no warning, no violation of the Content-Security-Policy. The
 * browser itself writes a line for each answer that is not 2xx; `expected` matches the ones a test provokes.
 */
export const test = base.extend<{ expected: RegExp; console: void }>({
  // oxlint-disable-next-line no-empty-pattern -- Playwright wants a destructured first argument
  expected: async ({}, use) => {
    // Asking who is there, and being told "nobody", is how every visit starts.
    await use(/401.* \/api\/auth\/me$/)
  },
  console: [
    async ({ page, expected }, use) => {
      const findings: string[] = []
      page.on('console', (message) => {
        if (!['error', 'warning'].includes(message.type())) return
        const { pathname } = new URL(message.location().url || 'http://nowhere/')
        const line = `${message.text()} ${pathname}`
        const load = line.startsWith('Failed to load resource')
        if (!(load && expected.test(line))) findings.push(line)
      })
      page.on('pageerror', (error) => findings.push(`uncaught: ${error.message}`))
      await page.exposeFunction('reportViolation', (violation: string) => findings.push(`CSP: ${violation}`))
      await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => {
          const report = Reflect.get(window, 'reportViolation') as (violation: string) => void
          report(`${event.violatedDirective} ${event.blockedURI}`)
        })
      })
      await use()
      expect(findings, 'the console').toEqual([])
    },
    { auto: true },
  ],
})

export { expect }

/** Nothing to find for axe, in the light and in the dark. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const { violations } = await new AxeBuilder({ page }).analyze()
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`)
    expect(found, `axe in the ${colorScheme}`).toEqual([])
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null })
}

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
export async function signIn(page: Page, email: string): Promise<void> {
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}
