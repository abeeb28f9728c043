import { createServer, type Server } from 'node:http'
import type { Page } from '@playwright/test'
import { listen, startApp, type Product } from './product'
import { expect, newEmail, password, test as base } from './test'

/** What an API may say of how long its answer is good, and how often one person's three reads then arrive at it. */
const headers: Record<string, { says: Record<string, string>; arrivals: number }> = {
  'max-age': { says: { 'Cache-Control': 'max-age=300' }, arrivals: 1 },
  'max-age-public': { says: { 'Cache-Control': 'public, max-age=300, immutable' }, arrivals: 1 },
  stale: { says: { 'Cache-Control': 'max-age=300, stale-while-revalidate=3000' }, arrivals: 1 },
  expires: { says: { Expires: new Date(Date.now() + 3_600_000).toUTCString() }, arrivals: 1 },
  nothing: { says: {}, arrivals: 3 },
  private: { says: { 'Cache-Control': 'private' }, arrivals: 3 },
  public: { says: { 'Cache-Control': 'public' }, arrivals: 3 },
  malformed: { says: { 'Cache-Control': 'max-age = 300' }, arrivals: 3 },
}

interface People {
  /** Paths that have arrived, in order. */
  asked: string[]
  port: number
  server: Server
}

/** An API that answers with the address of the caller, last modified long ago. */
async function startPeople(): Promise<People> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const name = request.url?.slice(1) ?? ''
    const claims = request.headers.authorization?.split('.')[1] ?? ''
    const { email } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { email: string }
    asked.push(name)
    if (name === 'picture') {
      response.writeHead(200, { 'Content-Type': 'image/svg+xml', 'Cache-Control': 'max-age=300' })
      response.end(`<svg xmlns="http://www.w3.org/2000/svg" width="${String(email.length)}" height="1"/>`)
      return
    }
    response.writeHead(200, {
      'Content-Type': 'text/plain',
      'Last-Modified': 'Mon, 01 Jan 2001 00:00:00 GMT',
      ...headers[name]?.says,
    })
    response.end(email)
  })
  const port = await listen(server)
  return { asked, port, server }
}

const test = base.extend<object, { people: People; product: Product }>({
  people: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright wants a destructured first argument
    async ({}, use) => {
      const people = await startPeople()
      await use(people)
      people.server.close()
    },
    { scope: 'worker' },
  ],
  product: [
    async ({ people: { port } }, use) => {
      const product = await startApp({
        pages: { 'index.html': '<!doctype html><html lang="en"><title>People</title></html>' },
        route: { path: '/api/people', strip_prefix: '/api/people' },
        port,
      })
      await use(product)
      await product.stop()
    },
    { scope: 'worker', timeout: 300_000 },
  ],
})

test.use({ expected: /404.* \/favicon\.ico$/ })

async function read(page: Page, name: string): Promise<string> {
  return page.evaluate(async (path) => (await fetch(path)).text(), `/api/people/${name}`)
}

async function post(page: Page, url: string, data: object, status: number): Promise<void> {
  const answer = await page.request.post(url, { data })
  expect(answer.status(), url).toBe(status)
}

test('the next person in one browser is never shown what it keeps of the first one’s', async ({
  page,
  people,
  product,
}) => {
  const [ada, bob] = [newEmail(), `bob.${newEmail()}`]
  for (const email of [ada, bob]) {
    await post(page, `${product.url}/api/auth/register`, { email, password }, 201)
  }
  await post(page, `${product.url}/api/auth/login`, { email: ada, password }, 200)
  await page.goto(product.url)
  for (const [name, { arrivals }] of Object.entries(headers)) {
    people.asked.length = 0
    for (let reads = 0; reads < 3; reads++) expect(await read(page, name), name).toBe(ada)
    expect(people.asked, `${name}: the first one's own copy`).toEqual(Array(arrivals).fill(name))
  }
  await post(page, `${product.url}/api/auth/logout`, {}, 204)
  await post(page, `${product.url}/api/auth/login`, { email: bob, password }, 200)
  for (const name of Object.keys(headers)) {
    people.asked.length = 0
    expect(await read(page, name), name).toBe(bob)
    expect(people.asked, name).toEqual([name])
  }
})

async function widthOfPicture(page: Page): Promise<number> {
  return page.evaluate(async (path) => {
    const picture = new Image()
    picture.src = path
    await picture.decode()
    document.body.append(picture)
    return picture.naturalWidth
  }, '/api/people/picture')
}

test('a page that is loaded anew for the next person does not show a picture of the first one’s', async ({
  page,
  product,
}) => {
  const [ada, bob] = [newEmail(), `bob.${newEmail()}`]
  for (const email of [ada, bob]) {
    await post(page, `${product.url}/api/auth/register`, { email, password }, 201)
  }
  for (const email of [ada, bob]) {
    await post(page, `${product.url}/api/auth/login`, { email, password }, 200)
    await page.goto(product.url)
    expect(await widthOfPicture(page)).toBe(email.length)
    await post(page, `${product.url}/api/auth/logout`, {}, 204)
  }
})
