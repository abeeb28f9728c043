import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { printed, printedCommand } from './printed'
import { listen, startApp, temporary, type Product } from './product'
import { expect, newEmail, password, test as base } from './test'
import type { Page } from '@playwright/test'

const spa = fileURLToPath(new URL('..', import.meta.url))

interface Orders {
  /** Requests that have reached the API, such as "POST /orders: body". */
  asked: string[]
  port: number
  server: Server
}

/** An API behind the product. What is under /refused it refuses itself. */
async function startOrders(): Promise<Orders> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => (body += String(part)))
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}: ${body}`)
      const refused = request.url?.endsWith('/refused')
      response.writeHead(refused ? 401 : 200, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(refused ? { error: 'not yours' } : [{ id: 5 }]))
    })
  })
  const port = await listen(server)
  return { asked, port, server }
}

/** The app that bff/docs/frontends.md prints, on the real product. */
const test = base.extend<{ email: string }, { orders: Orders; product: Product }>({
  orders: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright wants a destructured first argument
    async ({}, use) => {
      const orders = await startOrders()
      await use(orders)
      orders.server.close()
    },
    { scope: 'worker' },
  ],
  product: [
    async ({ orders: { port } }, use) => {
      const product = await startApp({
        pages: {
          'index.html': printed('html'),
          'app.css': printed('css'),
          'icon.svg': printed('svg'),
          'gatehouse.json': printed('json'),
          'app.js': printed('js', '// app.js'),
          'plain.js': printed('js', '// plain.js'),
        },
        route: { path: '/api/orders', strip_prefix: '/api' },
        port,
        build: (dir) => {
          const [command = '', ...rest] = printedCommand('npx tsc').replace('../my-app', dir).split(' ')
          execFileSync(command, rest, { cwd: spa })
        },
      })
      await use(product)
      await product.stop()
    },
    { scope: 'worker', timeout: 300_000 },
  ],
  baseURL: async ({ product }, use) => use(product.url),
  email: async ({ product }, use) => {
    const email = newEmail()
    const answer = await fetch(`${product.url}/api/auth/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email, password }),
    })
    expect(answer.status).toBe(201)
    await use(email)
  },
})

test.use({ expected: /401.* \/api\/(auth\/(me|login)|orders(\/refused)?)$/ })

// oxlint-disable-next-line no-empty-pattern -- Playwright wants a destructured first argument
test.beforeEach(({}, { project }) => {
  test.skip(project.name !== 'embedded', 'it starts a product of its own')
})

async function signIn(page: Page, email: string, secret = password): Promise<void> {
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Answers the first of each request like a session that has expired. Returns how often the page renewed it. */
async function expire(page: Page, path: string): Promise<() => number> {
  let renewals = 0
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/api/auth/refresh') renewals++
  })
  const seen = new Set<string>()
  await page.route(`**${path}*`, async (route) => {
    const url = route.request().url()
    if (seen.has(url)) return route.continue()
    seen.add(url)
    await route.fulfill({
      status: 401,
      contentType: 'application/problem+json',
      body: '{"status":401,"code":"session_expired","title":"Unauthorized"}',
    })
  })
  return () => renewals
}

test('the printed app signs in, calls, renews and signs out', async ({ page, context, email, orders }) => {
  await page.goto('/orders/17?x=1')
  await expect(page).toHaveURL('/signin?next=%2Forders%2F17%3Fx%3D1')
  await signIn(page, email, 'not my password')
  await expect(page.getByRole('alert')).toContainText('wrong')
  await signIn(page, email)
  await expect(page).toHaveURL('/orders/17?x=1')
  await expect(page.getByRole('heading')).toHaveText(email)
  expect((await page.reload())?.status(), 'a reload on a page of the app').toBe(200)

  const loaded = page.getByRole('status')
  const load = async () => {
    const answer = page.waitForResponse((response) => response.url().endsWith('/api/orders') && response.ok())
    await page.getByRole('button', { name: 'Load orders' }).click()
    return answer
  }
  expect(await (await load()).headerValue('Set-Cookie')).toBeNull()
  await expect(loaded).toHaveText('[{"id":5}]')
  expect(await page.evaluate(() => document.cookie)).toBe('')

  // The server renews on the way, and the page knows nothing of it.
  await context.clearCookies({ name: 'access_token' })
  expect(await (await load()).headerValue('Set-Cookie')).toContain('access_token=')

  // A session that has expired is renewed by the page.
  const before = orders.asked.length
  const cookies = JSON.stringify(await context.cookies())
  const renewals = await expire(page, '/api/orders')
  await load()
  await expect(page.getByRole('alert')).toBeEmpty()
  expect(renewals()).toBe(1)
  expect(orders.asked.slice(before)).toEqual(['GET /orders: '])
  expect(JSON.stringify(await context.cookies())).not.toBe(cookies)

  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  expect((await context.cookies()).map(({ name }) => name)).toEqual(['device'])
  await page.goto('/orders')
  await expect(page).toHaveURL('/signin?next=%2Forders')
})

/** Playwright never hides a page. */
async function look(page: Page, at: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, value: hidden })
    document.dispatchEvent(new Event('visibilitychange'))
  }, !at)
}

test('the printed app loads in a seventh tab, and each tab notices a sign-out when it becomes visible', async ({
  page,
  context,
  email,
}) => {
  await page.goto('/signin')
  await signIn(page, email)
  await expect(page.getByRole('heading')).toHaveText(email)
  let tab = page
  for (let tabs = 1; tabs < 8; tabs++) {
    await look(tab, false)
    tab = await context.newPage()
    await tab.goto('/orders', { timeout: 60_000 })
    await expect(tab.getByRole('heading')).toHaveText(email)
  }
  await tab.getByRole('button', { name: 'Sign out' }).click()
  await look(page, true)
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
})

test('the printed app does not show the next user data of the last one', async ({ page, email }) => {
  await page.goto('/signin')
  await signIn(page, email)
  await page.getByRole('button', { name: 'Load orders' }).click()
  await expect(page.getByRole('status')).toHaveText('[{"id":5}]')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await signIn(page, email)
  await expect(page.getByRole('heading')).toHaveText(email)
  await expect(page.getByRole('status')).toBeEmpty()
})

test('the printed app notices a sign-out on another device', async ({ page, browser, product, email }) => {
  await page.goto('/signin')
  await signIn(page, email)
  await expect(page.getByRole('heading')).toHaveText(email)
  const elsewhere = await browser.newContext({ baseURL: product.url })
  const login = await elsewhere.request.post('/api/auth/login', { data: { email, password } })
  expect(login.status()).toBe(200)
  expect((await elsewhere.request.post('/api/auth/logout-all')).status()).toBe(204)
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await elsewhere.close()
})

for (const [file, name] of [
  ['/auth-fetch.js', 'authFetch'],
  ['/plain.js', 'call'],
] as const) {
  test(`${file} renews once for all, and leaves the API's own 401 alone`, async ({ page, email, orders }) => {
    await page.goto('/signin')
    await signIn(page, email)
    await expect(page.getByRole('heading')).toHaveText(email)
    const renewals = await expire(page, '/api/orders?')
    const before = orders.asked.length
    const ask = (paths: string[]) =>
      page.evaluate(
        async ([from, as, all]) => {
          const module = (await import(from)) as Record<string, typeof fetch>
          const status = async (path: string) => {
            try {
              return (await module[as]!(path, { method: 'POST', body: path })).status
            } catch (error) {
              return Reflect.get(error as object, 'status') as number
            }
          }
          return Promise.all(all.map(status))
        },
        [file, name, paths] as [string, string, string[]],
      )
    const paths = [1, 2, 3, 4, 5].map((number) => `/api/orders?page=${number}`)
    expect(await ask(paths)).toEqual([200, 200, 200, 200, 200])
    expect(renewals()).toBe(1)
    expect(orders.asked.slice(before).toSorted()).toEqual(
      paths.map((path) => `POST ${path.replace('/api', '')}: ${path}`),
    )
    expect(await ask(['/api/orders/refused'])).toEqual([401])
    expect(renewals(), 'renewed for the 401 of an API').toBe(1)
    expect(orders.asked.length - before, 'asked again after the 401 of an API').toBe(paths.length + 1)
  })
}

test('a path that the app does not list is a 404', async ({ request }) => {
  for (const [path, status] of Object.entries({
    '/': 200,
    '/nowhere': 404,
    '/dashboard': 404,
    '/gatehouse.json': 404,
  }))
    expect((await request.get(path, { maxRedirects: 0 })).status(), path).toBe(status)
})

// Without the page fixture, whose console has to stay clean.
test('the policy holds what the page says of it', async ({ browser, product }) => {
  const page = await browser.newPage({ baseURL: product.url })
  await page.goto('/signin')
  const refused = await page.evaluate(() => {
    const sinks: Record<string, () => unknown> = {
      innerHTML: () => (document.body.innerHTML = '<b>x</b>'),
      'script.src': () => (document.createElement('script').src = '/plain.js'),
      Worker: () => new Worker('/plain.js'),
      policy: () => Reflect.get(window, 'trustedTypes').createPolicy('mine', {}),
      textContent: () => (document.body.textContent = 'fine'),
      style: () => (document.body.style.width = '1px'),
    }
    return Object.keys(sinks).filter((name) => {
      try {
        sinks[name]!()
        return false
      } catch {
        return true
      }
    })
  })
  expect(refused).toEqual(['innerHTML', 'script.src', 'Worker', 'policy'])
  await page.close()
})

test('the session needs no file that is not named', () => {
  const { dir, remove } = temporary()
  const lib = join(dir, 'src/lib')
  mkdirSync(join(lib, 'session'), { recursive: true })
  for (const file of ['session', 'session-source', 'session-stream', 'typing', 'next-path'])
    cpSync(join(spa, `src/lib/session/${file}.ts`), join(lib, `session/${file}.ts`))
  for (const file of ['auth-api', 'auth-fetch', 'schema', 'server-clock'])
    cpSync(join(spa, `src/lib/api/${file}.ts`), join(lib, `api/${file}.ts`))
  const options = { strict: true, noEmit: true, skipLibCheck: true, target: 'ES2023', types: [] }
  const lookup = { module: 'ESNext', moduleResolution: 'bundler', paths: { '@/*': ['./src/*'] } }
  writeFileSync(
    join(dir, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { ...options, ...lookup, lib: ['ES2023', 'DOM', 'DOM.Iterable'] },
      include: ['src'],
    }),
  )
  execFileSync(join(spa, 'node_modules/.bin/tsc'), ['-p', dir])
  remove()
})
