// Writes src/lib/api/schema.ts, the types of what the server takes and answers, from the document that the server
// publishes. With --check it writes nothing and fails when the file is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import openapiTS, { astToString } from 'openapi-typescript'
import { format, resolveConfig } from 'prettier'

const document = new URL('../../bff/internal/web/openapi.yaml', import.meta.url)
const file = fileURLToPath(new URL('../src/lib/api/schema.ts', import.meta.url))
const header =
  '// Generated from bff/internal/web/openapi.yaml by `npm run types`. Change that file, not this one.\n\n'

// rootTypes: `User` beside `components['schemas']['User']`.
const types = astToString(await openapiTS(document, { rootTypes: true, rootTypesNoSchemaPrefix: true }))
const text = await format(header + types, { ...(await resolveConfig(file)), filepath: file })

if (!process.argv.includes('--check')) {
  writeFileSync(file, text)
} else if (readFileSync(file, 'utf8') !== text) {
  console.error('src/lib/api/schema.ts is not what openapi.yaml says: npm run types')
  process.exit(1)
}
