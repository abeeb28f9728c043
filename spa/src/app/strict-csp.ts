import { config } from 'zod/mini'

// zod would probe for eval, which the Content-Security-Policy forbids and reports. It reads this setting when
// a schema is made, so this module has to be the first import of main.tsx.
config({ jitless: true })
