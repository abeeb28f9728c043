import { readFileSync } from 'node:fs'

const page = readFileSync(new URL('../../bff/docs/frontends.md', import.meta.url), 'utf8')

/** The one block of a language in frontends.md; of several, the one whose first line is this. */
export function printed(language: string, firstLine = ''): string {
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))]
    .map(([, text]) => text ?? '')
    .filter((text) => text.startsWith(firstLine))
  const [block] = blocks
  if (block === undefined || blocks.length !== 1)
    throw new Error(`frontends.md has ${blocks.length} blocks of ${language} ${firstLine}, want 1`)
  return block
}

/** The one command in frontends.md that begins like this. */
export function printedCommand(start: string): string {
  const [line, ...others] = page.split('\n').filter((text) => text.startsWith(start))
  if (line === undefined || others.length > 0) throw new Error(`frontends.md has not one command ${start}`)
  return line
}
