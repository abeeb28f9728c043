import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import type { AuditPage, Devices } from '@/lib/api/schema'

/**
 * By default it answers only the requests of the dashboard beside the call under test, with empty lists: each test
 * says what its server does, and any other request fails it.
 */
export const server = setupServer(
  http.get('/api/auth/sessions', () => HttpResponse.json<Devices>({ sessions: [] })),
  http.get('/api/auth/activity', () => HttpResponse.json<AuditPage>({ events: [], next: null })),
)
