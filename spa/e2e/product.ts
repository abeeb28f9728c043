import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
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

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The real program, in embedded mode in this folder, with the pages that the environment says. */
export async function startProduct(dir: string, env: Record<string, string>): Promise<Product> {
  const program = join(dir, 'gatehouse')
  // Linking is most of it, and nobody will debug this one.
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
