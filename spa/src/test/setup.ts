import '@testing-library/jest-dom/vitest'
import { cleanup, configure } from '@testing-library/react'
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest'
import '@/app/strict-csp'
import { FakeEventSource } from './event-source'
import { server } from './server'

// Pages are transformed on first use, and searching a page by role is most of a test's work: on a busy machine
// both took longer than 5 s. Nothing waits this long where it passes.
configure({ asyncUtilTimeout: 60_000 })

vi.stubGlobal('EventSource', FakeEventSource)

beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
afterAll(() => server.close())

// A stray warning is a finding: React speaks of keys, act and lost updates only there.
const complaints: unknown[][] = []
beforeEach(() => {
  complaints.length = 0
  FakeEventSource.all = []
  vi.spyOn(console, 'error').mockImplementation((...args) => complaints.push(args))
  vi.spyOn(console, 'warn').mockImplementation((...args) => complaints.push(args))
})
afterEach(() => {
  cleanup()
  server.resetHandlers()
  document.title = ''
  expect(complaints, 'console.error and console.warn').toEqual([])
})
