import { expect, it } from 'vitest'
import { countdownTo, distanceTo } from './words'

const now = Date.parse('2026-11-21T12:00:00Z')

it.each([
  ['2026-11-21T12:12:41Z', '12:41'],
  ['2026-11-21T12:00:09Z', '0:09'],
  ['2026-11-21T12:00:00.200Z', '0:01'],
  ['2026-11-21T13:05:09Z', '1:05:09'],
  ['2026-11-21T12:00:00Z', null],
  ['2026-11-21T11:00:00Z', null],
  ['no time', null],
])('counts down to %s as %s', (time, words) => {
  expect(countdownTo(time, now)).toBe(words)
})

it.each([
  ['2026-11-28T12:00:00Z', 'in 7 days'],
  ['2026-11-22T11:00:00Z', 'in 23 hours'],
  ['2026-11-21T12:01:30Z', 'in 2 minutes'],
  ['2026-11-21T12:00:05Z', 'in 5 seconds'],
  ['2026-11-20T12:00:00Z', '1 day ago'],
])('says how far %s is: %s', (time, words) => {
  expect(distanceTo(time, now)).toBe(words)
})
