import { defineConfig } from '@playwright/test'

/** Two ports from here on, and two from ten later. */
const first = Number(process.env.E2E_PORT ?? 4181)

// The real product on the built SPA (run `npm run build` first), in each of its two shapes. The second needs
// MariaDB and Redis on the machine, so it is there on request.
const shapes = [
  { name: 'embedded', port: first, servers: false },
  ...(process.env.E2E_SERVICES === '1' ? [{ name: 'services', port: first + 1, servers: true }] : []),
].map((shape) => ({ ...shape, control: shape.port + 10 }))

export interface StackOptions {
  /** Where the stack takes orders from tests; see e2e/stack.ts. */
  control: string
}

export default defineConfig<StackOptions>({
  testDir: 'e2e',
  outputDir: 'test-results',
  forbidOnly: Boolean(process.env.CI),
  // Of a busy machine: nothing waits this long where it passes.
  timeout: 240_000,
  expect: { timeout: 30_000 },
  workers: 1,
  reporter: [['list'], ['html', { open: 'never' }]],
  use: {
    // Without the film, which costs more than the tests; each step's page is in it.
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: true, sources: true },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  // With one worker, projects run in this order. What moves the server's clock comes after everything that
  // looks at times; what stops servers, only where there are any.
  projects: shapes.flatMap(({ name, port, control, servers }) => {
    const use = { baseURL: `http://localhost:${port}`, control: `http://127.0.0.1:${control}` }
    return [
      { name, testIgnore: ['time/**', 'outage/**'], use },
      { name: `${name}-time`, testDir: 'e2e/time', use },
      ...(servers ? [{ name: `${name}-outage`, testDir: 'e2e/outage', use }] : []),
    ]
  }),
  webServer: shapes.map(({ name, port, control }) => ({
    command: `go run ./bff/e2e/stack --mode ${name} --listen 127.0.0.1:${port} --control 127.0.0.1:${control}`,
    cwd: '..',
    url: `http://localhost:${port}/healthz`,
    timeout: 300_000, // a cold Go build
    gracefulShutdown: { signal: 'SIGTERM', timeout: 10_000 },
  })),
})
