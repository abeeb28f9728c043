import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { compression, defineAlgorithm } from 'vite-plugin-compression2'
import { defineConfig } from 'vitest/config'

export default defineConfig(({ command }) => ({
  plugins: [
    react(),
    tailwindcss(),
    // The server embeds dist/ and sends the .br or .gz that lies beside a file.
    compression({ algorithms: [defineAlgorithm('brotliCompress'), defineAlgorithm('gzip', { level: 9 })] }),
  ],
  resolve: {
    alias: {
      '@': here('./src'),
      // The package's own entry is the build with development's warnings, whatever it is built for.
      ...(command === 'build' && {
        'react-router': here('./node_modules/react-router/dist/production/index.mjs'),
      }),
    },
  },
  build: {
    manifest: true, // read by scripts/check-budget.mjs
    // The browsers that know light-dark(), which the palette in index.css is written with.
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // Both would put something inline, which the Content-Security-Policy forbids.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // The password dictionaries are one big chunk by nature, loaded only when somebody chooses a password.
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      output: {
        // What every form is made of, React with it, comes in one piece: small files compress badly.
        codeSplitting: {
          groups: [
            { name: 'shared', test: /src\/(components\/ui\/(field|input|notice|text-link)|lib\/use-form)\./ },
          ],
        },
      },
    },
  },
  server: {
    host: '127.0.0.1',
    // Fixed, because the BFF is told this address (SPA_DEV_URL). The HMR client is left to connect to the
    // page's own origin: that is the BFF, which passes the WebSocket on.
    port: 5173,
    strictPort: true,
  },
  test: {
    environment: 'happy-dom',
    environmentOptions: { happyDOM: { url: 'http://localhost:8080' } },
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test/setup.ts'],
    restoreMocks: true,
    testTimeout: 300_000, // on a busy machine; longer than several waits of src/test/setup.ts
  },
}))

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}
