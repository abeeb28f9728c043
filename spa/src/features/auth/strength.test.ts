import { expect, it } from 'vitest'
import { assess } from './strength'

const ada = { email: 'Lovelace@example.com', name: 'Ada' }

it.each([
  ['short', 'Use at least 8 characters.'],
  ['👩‍👩‍👧', 'Use at least 8 characters.'],
  ['x'.repeat(257), 'Use at most 256 characters.'],
  ['tab\tin the middle of it', 'The password holds a control character.'],
  ['my-LOVELACE-secret', "The password must not contain your email's name."],
])('refuses %j by rule', async (password, refusal) => {
  expect(await assess(password, ada)).toMatchObject({ score: 0, refusal })
})

it.each(['password1', 'qwertyuiop', 'aaaaaaaaaa', 'gatehouse1'])(
  'refuses %j because it is guessed',
  async (password) => {
    const { score, refusal } = await assess(password, ada)
    expect(score).toBeLessThan(2)
    expect(refusal).toBeTruthy()
  },
)

it('takes a good one, even where a short email name is inside', async () => {
  const owner = { email: 'orb@example.com', name: '' }
  expect(await assess('plain orbit lantern 7', owner)).toMatchObject({
    score: 4,
    label: 'Strong',
    refusal: null,
  })
})

it('takes 256 characters of any kind without delay', async () => {
  const started = performance.now()
  const { refusal } = await assess('ünïcödé ☂ '.repeat(25).slice(0, 256), ada)
  expect(refusal).toBeNull()
  expect(performance.now() - started).toBeLessThan(60_000)
})
