import { defineConfig } from '@playwright/test'

// The real product on the built SPA (run `npm run build` first), in each of its two shapes. The second needs
// MariaDB and Redis on the machine, so it is there on request.
const shapes = [
  { name: 'embedded', port: 4181 },
  ...(process.env.E2E_SERVICES === '1' ? [{ name: 'services', port: 4182 }] : []),
]

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  forbidOnly: Boolean(process.env.CI),
  timeout: 60_000,
  expect: { timeout: 10_000 },
  workers: 1,
  reporter: [['list'], ['html', { open: 'never' }]],
  use: {
    trace: 'retain-on-failure',
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
  projects: shapes.map(({ name, port }) => ({ name, use: { baseURL: `http://localhost:${port}` } })),
  webServer: shapes.map(({ name, port }) => ({
    command: `go run ./bff/e2e/stack --mode ${name} --listen 127.0.0.1:${port}`,
    cwd: '..',
    url: `http://localhost:${port}/healthz`,
    timeout: 300_000, // a cold Go build
    gracefulShutdown: { signal: 'SIGTERM', timeout: 10_000 },
  })),
})
