import type { Estimate } from './zxcvbn'

/** How hard a password is to guess, and why it would not do. */
export interface Strength {
  /** 0 to 4; less than 2 is refused. */
  score: 0 | 1 | 2 | 3 | 4
  label: string
  /** Advice about it, good or bad. */
  advice: string
  /** Set when the server would refuse it. */
  refusal: string | null
}

export interface Owner {
  email: string
  name: string
}

const LABELS = ['Too easy to guess', 'Too easy to guess', 'Fair', 'Good', 'Strong'] as const
const WEAK = 'This password is too easy to guess. Use several unrelated words, or a longer mix.'

type Estimator = (password: string, words: string[]) => Estimate

let estimator: Promise<Estimator | null> | undefined

/** Loads the dictionaries: far more bytes than the page itself, so only once a password is being chosen. */
export function loadEstimator(): Promise<Estimator | null> {
  estimator ??= import('./zxcvbn').then(
    (module) => module.estimate,
    () => {
      estimator = undefined
      return null // Without them the server alone judges.
    },
  )
  return estimator
}

export async function assess(password: string, owner: Owner): Promise<Strength> {
  const rule = brokenRule(password, owner)
  if (rule) return { score: 0, label: LABELS[0], advice: rule, refusal: rule }

  const estimate = await loadEstimator()
  if (!estimate) return { score: 2, label: LABELS[2], advice: '', refusal: null }

  // The start of a very long password decides its score, and the estimate takes more than linear time.
  const start = [...password.normalize('NFC')].slice(0, 72).join('')
  const { score, warning, suggestion } = estimate(start, ['gatehouse', localPart(owner.email), owner.name])
  const advice = score < 4 ? warning || suggestion : ''
  const refusal = score < 2 ? warning || WEAK : null
  return { score, label: LABELS[score], advice, refusal }
}

function brokenRule(password: string, { email }: Owner): string | null {
  const characters = [...password.normalize('NFC')]
  if (characters.length < 8) return 'Use at least 8 characters.'
  if (characters.length > 256) return 'Use at most 256 characters.'
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  if (/[\u0000-\u001f\u007f-\u009f]/.test(password)) return 'The password holds a control character.'
  const name = localPart(email)
  // A shorter name is inside half of all passwords.
  if (name.length >= 4 && password.toLowerCase().includes(name)) {
    return "The password must not contain your email's name."
  }
  return null
}

function localPart(email: string): string {
  return (email.trim().split('@')[0] ?? '').toLowerCase()
}
