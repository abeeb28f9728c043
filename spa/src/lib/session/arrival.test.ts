import { afterEach, describe, expect, it, vi } from 'vitest'
import { cameWithoutSession } from './arrival'

function arrive(description: string | null, more: object = {}): void {
  const serverTiming = description === null ? [] : [{ name: 'session', description, duration: 0 }]
  const arrival = { type: 'navigate', transferSize: 900, serverTiming, ...more }
  vi.spyOn(performance, 'getEntriesByType').mockReturnValue([arrival as unknown as PerformanceEntry])
}

afterEach(() => vi.restoreAllMocks())

describe('a document that came without a session', () => {
  it.each([
    ['typed in', 'none', {}, true],
    ['asked for again', 'none', { type: 'reload' }, true],
    ['with cookies', 'unknown', {}, false],
    ['from a server that says nothing', null, {}, false],
    ['gone back to', 'none', { type: 'back_forward' }, false],
    ['from the cache, unasked', 'none', { transferSize: 0 }, false],
  ])('%s', (_, description, more, known) => {
    arrive(description, more)
    expect(cameWithoutSession()).toBe(known)
  })

  it('is not known to a browser that keeps no record', () => {
    vi.spyOn(performance, 'getEntriesByType').mockReturnValue([])
    expect(cameWithoutSession()).toBe(false)
  })
})
