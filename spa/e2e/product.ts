import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Product {
  url: string
  /** What it has logged. */
  log: () => string
  stop: () => Promise<void>
}

/** A folder that is gone after the test. */
export function temporary(): { dir: string; remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-frontends-'))
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) }
}

/** Has a server listen on a free port of this machine. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

export interface App {
  /** The files of its SPA_DIR. */
  pages: Record<string, string>
  /** What the row of the API says beside its upstream. */
  route: Record<string, string>
  /** Where the API listens. */
  port: number
  /** Adds to the SPA_DIR what a tool makes. */
  build?: (dir: string) => void
}

/** The real program with another app. */
export async function startApp({ pages, route, port, build }: App): Promise<Product> {
  const { dir, remove } = temporary()
  const app = join(dir, 'my-app')
  mkdirSync(app)
  for (const [name, text] of Object.entries(pages)) writeFileSync(join(app, name), text)
  build?.(app)
  const routes = join(dir, 'routes.yaml')
  // JSON is YAML.
  writeFileSync(routes, JSON.stringify({ routes: [{ ...route, upstreams: [`http://127.0.0.1:${port}`] }] }))
  const product = await startProduct(dir, { SPA_DIR: app, ROUTES_FILE: routes })
  return { ...product, stop: () => product.stop().then(remove) }
}

/** The real program, in embedded mode in this folder, with the pages that the environment says. */
export async function startProduct(dir: string, env: Record<string, string>): Promise<Product> {
  const program = join(dir, 'gatehouse')
  // Linking is most of it, and this one is not debugged.
  await promisify(execFile)('go', ['build', '-ldflags', '-s -w', '-o', program, './bff'], {
    cwd: root,
    env: { ...process.env, CGO_ENABLED: '0' },
  })
  const port = await freePort()
  const url = `http://localhost:${port}`
  const server = spawn(program, ['serve'], {
    cwd: dir,
    env: {
      LISTEN_ADDR: `127.0.0.1:${port}`,
      OPS_ADDR: 'off',
      DATA_DIR: join(dir, 'data'),
      SHUTDOWN_TIMEOUT: '1s',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (text) => (log += String(text)))
  const stop = () => ended(server)
  const deadline = Date.now() + 60_000
  while (!(await answers(`${url}/healthz`))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`the product does not answer:\n${log}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { url, log: () => log, stop }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const end = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGTERM')
  await end
}
