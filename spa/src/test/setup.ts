import '@testing-library/jest-dom/vitest'
import { cleanup, configure } from '@testing-library/react'
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest'
import '@/app/strict-csp'
import { FakeEventSource } from './event-source'
import { server } from './server'

// Chunks of pages are transformed on first use, which takes its time on a busy machine.
configure({ asyncUtilTimeout: 5000 })

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
