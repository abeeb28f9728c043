import * as z from 'zod/mini'

/** The proxied routes to try. */
export const CALLS = [
  { id: 'me', method: 'GET', path: '/api/demo/me', about: 'What the API sees of you' },
  { id: 'notes', method: 'GET', path: '/api/demo/notes', about: 'The notes it keeps for you' },
  { id: 'add-note', method: 'POST', path: '/api/demo/notes', about: 'Add a note' },
  { id: 'clock', method: 'GET', path: '/api/demo/clock', about: 'A live stream, one event a second' },
] as const

export type Call = (typeof CALLS)[number]

export const callSchema = z
  .object({
    call: z.string(),
    text: z.string().check(z.trim(), z.maxLength(500, 'Use at most 500 characters.')),
  })
  .check(({ value, issues }) => {
    if (value.call === 'add-note' && !value.text) {
      issues.push({ code: 'custom', path: ['text'], message: 'Write something to add.', input: value.text })
    }
  })
