// The package types only its index, which would bring in all of its dictionaries.
declare module '@zxcvbn-ts/language-en/dist/*.json.mjs' {
  const words: string[]
  export default words
}
declare module '@zxcvbn-ts/language-en/dist/translations.mjs' {
  import type { translations } from '@zxcvbn-ts/language-en'
  const all: typeof translations
  export default all
}
