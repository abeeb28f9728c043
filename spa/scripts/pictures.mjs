// Takes the pictures in README.md: the sign-in page and the dashboard of the running product, light and dark.
// `make pictures` builds first. What changes with every run (times, ids, addresses) is made the same, so that
// a picture differs only when the pages do.
import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { chromium, expect } from '@playwright/test'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pictures = `${root}bff/docs/pictures/`
const BUDGET = 150_000 // bytes for each
const NOW = new Date('2026-03-02T09:30:00Z')
const ID = 'Q6XGZKJ4N3YV5TWBO2RDLA7HCI'
const HOUR = 3_600_000
const before = (hours) => new Date(NOW - hours * HOUR).toISOString()
const port = await freePort()
const base = `http://localhost:${port}`
const product = spawn('go', ['run', './bff/e2e/stack', '--listen', `127.0.0.1:${port}`], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  detached: true, // its own group: go passes no signal on to what it runs
})
try {
  await untilUp()
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  })
  await signUp()
  for (const colorScheme of ['light', 'dark']) await picture(browser, colorScheme)
  await browser.close()
} finally {
  process.kill(-product.pid, 'SIGTERM')
}

async function picture(browser, colorScheme) {
  const context = await browser.newContext({
    baseURL: base,
    colorScheme,
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    viewport: { width: 1024, height: 640 },
  })
  const page = await context.newPage()
  await page.clock.setFixedTime(NOW)

  await page.goto('/signin')
  await page.getByLabel('Email').fill('ada@example.com')
  await page.getByLabel('Password', { exact: true }).fill('plain orbit lantern 7')
  await save(page, `signin-${colorScheme}.png`)

  await steady(page)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByText('What the API saw of you')).toBeVisible()
  await expect(page.getByRole('list', { name: 'Account activity' })).toBeVisible()
  await page.getByText(/^\d+ ms$/).evaluate((badge) => (badge.textContent = '12 ms'))
  await page.getByRole('heading', { name: 'Dashboard' }).click() // nothing looks hovered
  // As far as the end of the call.
  const { y, height } = await page.getByRole('region', { name: 'Call an API' }).boundingBox()
  const clip = { x: 0, y: 0, width: 1024, height: Math.ceil(y + height) + 24 }
  await save(page, `dashboard-${colorScheme}.png`, { fullPage: true, clip })
  await context.close()
}

/** The product's own answers, but for what no two runs have in common. */
async function steady(page) {
  const answer = (pattern, change) =>
    page.route(pattern, async (route) => {
      const response = await route.fetch()
      if (!response.ok()) return route.fulfill({ response })
      return route.fulfill({ response, json: change(await response.json()) })
    })
  const who = ({ user, session }) => ({
    user: { ...user, id: ID, createdAt: before(24 * 40) },
    session: {
      ...session,
      accessExpiresAt: before(-761 / 3600),
      idleExpiresAt: before(-24 * 7),
      absoluteExpiresAt: before(-24 * 90),
    },
  })
  await answer('**/api/auth/login', who)
  await answer('**/api/auth/me', who)
  await answer('**/api/auth/sessions', ({ sessions }) => ({
    sessions: sessions.map((device) => ({ ...device, createdAt: before(1) })),
  }))
  await answer('**/api/demo/me', (seen) => ({
    ...seen,
    id: ID,
    requestId: 'GJ3XW5TQ7NVA2ZKRYO4BLD6MCH',
  }))
}

async function save(page, name, options = {}) {
  await page.screenshot({ path: pictures + name, animations: 'disabled', ...options })
  const { size } = statSync(pictures + name)
  console.log(`${(size / 1000).toFixed(0).padStart(5)} kB  bff/docs/pictures/${name}`)
  if (size > BUDGET) throw new Error(`${name} is larger than ${BUDGET / 1000} kB`)
}

async function signUp() {
  const response = await fetch(`${base}/api/auth/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      email: 'ada@example.com',
      password: 'plain orbit lantern 7',
      name: 'Ada Lovelace',
    }),
  })
  if (response.status !== 201) throw new Error(`signing up: ${response.status}`)
}

async function untilUp() {
  const deadline = Date.now() + 300_000 // a cold Go build
  for (;;) {
    if (product.exitCode !== null) throw new Error('the product has ended')
    if ((await fetch(`${base}/healthz`).catch(() => null))?.ok) return
    if (Date.now() > deadline) throw new Error('the product does not come up')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address()
      server.close(() => resolve(free))
    })
  })
}
