import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { serverNow, setServerClock } from './server-clock'

const NOW = Date.parse('2026-03-02T10:00:00Z')

beforeEach(() => vi.useFakeTimers({ now: NOW }))
afterEach(() => {
  setServerClock(null)
  vi.useRealTimers()
})

describe('the server’s time', () => {
  it.each([
    ['a laptop an hour behind', 'Mon, 02 Mar 2026 11:00:00 GMT', 3600],
    ['a laptop ten minutes ahead', 'Mon, 02 Mar 2026 09:50:00 GMT', -600],
    ['a slow answer', 'Mon, 02 Mar 2026 09:59:57 GMT', 0],
    ['no date', null, 0],
    ['no date that can be read', 'soon', 0],
  ])('%s', (_, date, seconds) => {
    setServerClock(date)
    expect(serverNow() - NOW).toBe(seconds * 1000)
  })
})
