// Adds up the JavaScript that a first visit to /signin needs: the entry, the page's chunk and all that these
// import. Fails when it is more than the budget. Run after a build.
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const PAGE = 'src/routes/sign-in.tsx'
const BUDGET = 120_000 // bytes, gzip -9
const dist = new URL('../dist/', import.meta.url)

const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'))
const needed = new Set()
const need = (key) => {
  const chunk = manifest[key]
  if (!chunk) throw new Error(`the manifest does not know ${key}`)
  if (needed.has(chunk.file)) return
  needed.add(chunk.file)
  chunk.imports?.forEach(need)
}
need('index.html')
need(PAGE)
// Scripts that index.html loads beside the entry, such as the one for the theme.
for (const [, src] of readFileSync(new URL('index.html', dist), 'utf8').matchAll(
  /<script[^>]* src="\/([^"]+)"/g,
)) {
  needed.add(src)
}

let total = 0
for (const file of needed) {
  const size = gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length
  total += size
  console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${file}`)
}
console.log(`${(total / 1000).toFixed(1).padStart(7)} kB  of ${BUDGET / 1000} kB for ${PAGE}, gzip`)
if (total > BUDGET) {
  console.error('Over budget.')
  process.exitCode = 1
}
