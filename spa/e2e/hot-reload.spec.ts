import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'
import { freePort, startProduct, temporary } from './product'
import { expect, test } from './test'

const spa = fileURLToPath(new URL('..', import.meta.url))

// oxlint-disable-next-line no-empty-pattern -- Playwright wants a destructured first argument
test.beforeEach(({}, { project }) => {
  test.skip(project.name !== 'embedded', 'it starts a product of its own')
})

test('an edited component changes on the page without a reload, by way of the product', async ({
  page,
  context,
}) => {
  test.setTimeout(300_000) // a cold Go build
  // A copy, because what is edited in a checkout may stay edited.
  const { dir, remove } = temporary()
  for (const name of ['src', 'public', 'index.html', 'vite.config.ts'])
    cpSync(join(spa, name), join(dir, name), { recursive: true })
  symlinkSync(join(spa, 'node_modules'), join(dir, 'node_modules'))
  const port = await freePort()
  const vite = await createServer({
    root: dir,
    configFile: join(dir, 'vite.config.ts'),
    cacheDir: join(dir, '.vite'),
    logLevel: 'error',
    server: { port, fs: { allow: [dir, spa] } },
  })
  const [product] = await Promise.all([
    startProduct(dir, { SPA_DEV_URL: `http://localhost:${port}` }),
    vite.listen(),
  ])

  try {
    const sockets: string[] = []
    page.on('websocket', (socket) => sockets.push(new URL(socket.url()).host))
    const first = await page.goto(`${product.url}/signin`)
    await expect(page.getByText('Welcome back')).toBeVisible({ timeout: 60_000 })
    await page.getByLabel('Email').fill('kept@example.com')

    const component = join(dir, 'src/routes/sign-in.tsx')
    writeFileSync(component, readFileSync(component, 'utf8').replace('Welcome back', 'Edited live'))
    await expect(page.getByText('Edited live')).toBeVisible({ timeout: 60_000 })
    await expect(page.getByLabel('Email')).toHaveValue('kept@example.com') // what a reload would empty
    expect(new Set(sockets), 'where hot reload connects').toEqual(new Set([new URL(product.url).host]))

    // What production will refuse, development says; in a tab of its own, whose console need not be clean.
    const other = await context.newPage()
    await other.goto(`${product.url}/signin`)
    const said = other.waitForEvent('console', (message) => message.text().includes('TrustedHTML'))
    await other.evaluate(() => (document.createElement('p').innerHTML = '<b>x</b>'))
    await said

    const policy = first?.headers()['content-security-policy']
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe-eval|\*|https?:/)
    expect(product.log()).toContain('relaxed')
  } finally {
    // A page that is still loading, or looks for a server that has gone, says so in its console.
    for (const open of context.pages()) await open.close()
    await product.stop()
    await vite.close()
    remove()
  }
})
