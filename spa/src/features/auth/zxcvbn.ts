import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common'
// The whole English package is 600 kB compressed. These two carry most of what people choose.
import firstNames from '@zxcvbn-ts/language-en/dist/firstnames.json.mjs'
import translations from '@zxcvbn-ts/language-en/dist/translations.mjs'
import words from '@zxcvbn-ts/language-en/dist/wikipedia.json.mjs'

export interface Estimate {
  score: 0 | 1 | 2 | 3 | 4
  warning: string
  suggestion: string
}

const zxcvbn = new ZxcvbnFactory({
  translations,
  graphs: adjacencyGraphs,
  dictionary: { ...dictionary, 'firstnames-en': firstNames, 'wikipedia-en': words },
})

/** `personal`: words that an attacker who knows the owner would try first. */
export function estimate(password: string, personal: string[]): Estimate {
  const { score, feedback } = zxcvbn.check(password, personal.filter(Boolean))
  return { score, warning: feedback.warning ?? '', suggestion: feedback.suggestions[0] ?? '' }
}
