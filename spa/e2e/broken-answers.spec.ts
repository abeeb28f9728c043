import { createServer, type Server } from 'node:net'
import { listen, startApp, type Product } from './product'
import { expect, test as base } from './test'

/** How an API's answer begins before its connection ends, and what a page sees of it. */
const answers: Record<string, { says: string; seen: string }> = {
  whole: { says: 'Content-Length: 2\r\n\r\nok', seen: '200 ok' },
  'no-byte': { says: 'Content-Length: 30\r\n\r\n', seen: '502 upstream_unreachable' },
  'one-byte': { says: 'Content-Length: 30\r\n\r\na', seen: '200 broken' },
  'three-bytes': { says: 'Content-Length: 30\r\n\r\nabc', seen: '200 broken' },
  'no-chunk': { says: 'Transfer-Encoding: chunked\r\n\r\n', seen: '502 upstream_unreachable' },
  'part-of-a-chunk': { says: 'Transfer-Encoding: chunked\r\n\r\n5\r\nhel', seen: '200 broken' },
  'no-last-chunk': { says: 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', seen: '200 broken' },
  'part-of-a-header': { says: 'Content-Le', seen: '502 upstream_unreachable' },
}

interface Orders {
  /** Requests that have arrived, in order. */
  arrived: string[]
  port: number
  server: Server
}

async function startOrders(): Promise<Orders> {
  const arrived: string[] = []
  const server = createServer((socket) => {
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      text += data.toString('latin1')
      const [head = '', body] = text.split('\r\n\r\n')
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
      if (body === undefined || body.length < length) return
      text = ''
      const [method = '', path = ''] = head.split(' ')
      arrived.push(`${method} ${path}`)
      socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${answers[path.slice(1)]?.says ?? ''}`)
    })
  })
  const port = await listen(server)
  return { arrived, port, server }
}

const test = base.extend<object, { orders: Orders; product: Product }>({
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
        pages: { 'index.html': '<!doctype html><html lang="en"><title>Orders</title></html>' },
        route: { path: '/api/orders', strip_prefix: '/api/orders', access: 'public', identity: 'none' },
        port,
      })
      await use(product)
      await product.stop()
    },
    { scope: 'worker', timeout: 300_000 },
  ],
})

test.use({ expected: /404.* \/favicon\.ico$|(502|ERR_).* \/api\/orders\// })

test('a POST arrives once when its answer breaks off', async ({ page, orders, product }) => {
  await page.goto(product.url)
  for (const [name, { seen }] of Object.entries(answers)) {
    orders.arrived.length = 0
    const told = await page.evaluate(async (path) => {
      // A browser repeats on connections that it has used before.
      for (let n = 0; n < 3; n++) await (await fetch('/healthz', { cache: 'no-store' })).text()
      const answer = await fetch(path, { method: 'POST', body: 'one order' })
      const text = await answer.text().catch(() => 'broken')
      const problem = answer.headers.get('Content-Type') === 'application/problem+json'
      return `${answer.status} ${problem ? String(Reflect.get(JSON.parse(text) as object, 'code')) : text}`
    }, `/api/orders/${name}`)
    expect(told, name).toBe(seen)
    expect(orders.arrived, name).toEqual([`POST /${name}`])
  }
})
