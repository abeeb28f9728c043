import { http, HttpResponse } from 'msw'
import { server } from './server'
import type { AuditEvent, AuditEventType, AuditPage, Device, Devices } from '@/lib/api/schema'

/** Responses of the server about devices and events. */

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0'
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1'

export const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()

export function device(id: string, fields: Partial<Device> = {}): Device {
  const createdAt = '2026-03-01T12:00:00Z'
  const lastSeenAt = minutesAgo(130)
  return {
    id,
    current: false,
    createdAt,
    lastSeenAt,
    ip: '192.0.2.7',
    userAgent: IPHONE,
    remember: false,
    ...fields,
  }
}
export const here = device('s1', { current: true, userAgent: FIREFOX, ip: '192.0.2.1' })

export function event(id: string, type: AuditEventType, fields: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id,
    type,
    userId: '42',
    actorId: '42',
    sessionId: 's1',
    requestId: 'req-1',
    detail: '',
    ip: '192.0.2.7',
    userAgent: IPHONE,
    at: minutesAgo(5),
    ...fields,
  }
}

export const answerDevices = (...sessions: Device[]) =>
  server.use(http.get('/api/auth/sessions', () => HttpResponse.json<Devices>({ sessions })))
export const answerActivity = (...events: AuditEvent[]) =>
  server.use(http.get('/api/auth/activity', () => HttpResponse.json<AuditPage>({ events, next: null })))
