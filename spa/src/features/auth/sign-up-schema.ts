import * as z from 'zod/mini'
import { assess } from './strength'

// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
/** RFC 5322's dot-atom before the @, and after it anything that could be a domain name. */
const EMAIL = /^[\w!#$%&'*+\-/=?^`{|}~]+(\.[\w!#$%&'*+\-/=?^`{|}~]+)*@[^\s@.]+(\.[^\s@.]+)*$/

/** The rules of the server, applied sooner. */
export const signUpSchema = z
  .object({
    name: z.string().check(
      z.trim(),
      z.refine((name) => count(name) <= 100, 'Use at most 100 characters.'),
      z.refine((name) => !CONTROL.test(name), 'Use letters, digits and signs only.'),
    ),
    email: z.string().check(
      z.trim(),
      z.minLength(1, { error: 'Enter your email address.', abort: true }),
      z.refine((email) => isAscii(email.slice(0, email.lastIndexOf('@'))), {
        error: 'Use only plain letters, digits and signs before the @.',
        abort: true,
      }),
      z.regex(EMAIL, { error: 'Enter an address like name@example.com.', abort: true }),
      z.maxLength(254, 'The address is too long.'),
    ),
    password: z.string().check(z.minLength(1, 'Choose a password.')),
  })
  .check(async ({ value, issues }) => {
    const { refusal } = await assess(value.password, value)
    if (refusal) issues.push({ code: 'custom', path: ['password'], message: refusal, input: value.password })
  })

/** Characters as a person counts them, not UTF-16 units. */
function count(text: string): number {
  return [...text.normalize('NFC')].length
}

function isAscii(text: string): boolean {
  return [...text].every((character) => character < '\u0080')
}
