import { createServer, type Server } from 'node:http'
import { expect, test as base } from '@playwright/test'
import { listen, startApp, type Product } from './product'

interface Received {
  origin: string | undefined
  site: string | undefined
}

interface Backend {
  received: Received[]
  port: number
  server: Server
}

const form = (action: string) =>
  `<form method="post" action="${action}"><input name="a" value="1"><button>Send</button></form>`

/** Its API is behind the product, and everything else on it is another site. */
async function startBackend(): Promise<Backend> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      received.push({ origin: request.headers.origin, site: request.headers['sec-fetch-site']?.toString() })
    }
    response.writeHead(200, { 'Content-Type': 'text/html' })
    const { searchParams } = new URL(request.url ?? '/', 'http://backend')
    const target = searchParams.get('target')
    const frame = searchParams.get('frame')
    if (frame) response.end(`<iframe sandbox="allow-forms allow-scripts" src="${frame}"></iframe>`)
    else response.end(target ? form(target) : 'taken')
  })
  const port = await listen(server)
  return { received, port, server }
}

// Playwright's own test: the console is full of what answers under /api, which are sandboxed, may not do.
const test = base.extend<object, { backend: Backend; product: Product }>({
  backend: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright wants a destructured first argument
    async ({}, use) => {
      const backend = await startBackend()
      await use(backend)
      backend.server.close()
    },
    { scope: 'worker' },
  ],
  product: [
    async ({ backend: { port } }, use) => {
      const head = (more: string) => `<!doctype html><head>${more}<link rel="icon" href="/icon.svg"></head>`
      const product = await startApp({
        pages: {
          'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
          'index.html': head('') + form('/api/orders'),
          'silent.html': head('<meta name="referrer" content="no-referrer">') + form('/api/orders'),
        },
        route: { path: '/api/orders', access: 'public' },
        port,
      })
      await use(product)
      await product.stop()
    },
    { scope: 'worker', timeout: 300_000 },
  ],
  baseURL: async ({ product }, use) => use(product.url),
})

// oxlint-disable-next-line no-empty-pattern -- Playwright wants a destructured first argument
test.beforeEach(({}, { project }) => {
  test.skip(project.name !== 'embedded', 'it starts a product of its own')
})

const elsewhere = ({ port }: Backend) => `http://127.0.0.1:${port}`

test("a page's own form passes, with the page's origin", async ({ page, product, backend }) => {
  for (const path of ['/', '/nowhere']) {
    const before = backend.received.length
    await page.goto(path)
    await page.getByRole('button', { name: 'Send' }).click()
    await expect(page.locator('body')).toHaveText('taken')
    expect(backend.received.slice(before)).toEqual([{ origin: product.url, site: 'same-origin' }])
  }
})

test("a page's own form passes although the page asks for no referrer", async ({ page, backend }) => {
  const before = backend.received.length
  await page.goto('/silent.html')
  const sent = page.waitForRequest((request) => request.method() === 'POST')
  await page.getByRole('button', { name: 'Send' }).click()
  const headers = await (await sent).allHeaders()
  expect(headers.origin, 'what Chromium makes of it').toBe('null')
  expect(headers['sec-fetch-site']).toBe('same-origin')
  await expect(page.locator('body')).toHaveText('taken')
  expect(backend.received.length).toBe(before + 1)
})

test('the form of another site is refused', async ({ page, product, backend }) => {
  const before = backend.received.length
  await page.goto(`${elsewhere(backend)}/?target=${encodeURIComponent(`${product.url}/api/orders`)}`)
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.locator('body')).toContainText('cross_site_request')
  await expect(page.locator('body')).toContainText(product.url)
  expect(backend.received.slice(before)).toEqual([])
})

test('the form of a sandboxed frame, which has no origin, is refused', async ({ page, product, backend }) => {
  const before = backend.received.length
  const target = encodeURIComponent(`${product.url}/api/orders`)
  const frame = encodeURIComponent(`${elsewhere(backend)}/?target=${target}`)
  await page.goto(`${elsewhere(backend)}/?frame=${frame}`)
  const sent = page.waitForRequest((request) => request.method() === 'POST')
  const refused = page.waitForResponse((response) => response.request().method() === 'POST')
  await page.frameLocator('iframe').getByRole('button', { name: 'Send' }).click()
  const headers = await (await sent).allHeaders()
  expect(headers.origin).toBe('null')
  expect(headers['sec-fetch-site']).toBe('cross-site')
  expect((await refused).status()).toBe(403)
  expect(backend.received.slice(before)).toEqual([])
})
