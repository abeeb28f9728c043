import { expect, it } from 'vitest'
import { ago } from './ago'
import { sayEvent } from './event-words'
import type { AuditEvent, AuditEventType } from '@/lib/api/schema'

/** Of any type: the server may be newer than this app. */
function event(type: string, fields: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: 'e1',
    type: type as AuditEventType,
    userId: '42',
    actorId: '42',
    sessionId: '',
    detail: '',
    ip: '',
    userAgent: '',
    requestId: '',
    at: '2026-11-21T12:00:00Z',
    ...fields,
  }
}

it.each([
  ['registered', '', '42', 'Account created'],
  ['login_succeeded', '', '42', 'Signed in'],
  ['login_failed', 'wrong email or password', '', 'Sign-in failed: wrong email or password'],
  ['login_failed', '', '', 'Sign-in failed'],
  ['logout', '', '42', 'Signed out'],
  ['session_revoked', 'ended_by_user', '42', 'A device was signed out from another one'],
  ['session_revoked', 'password_changed', '42', 'A device was signed out because the password changed'],
  ['session_revoked', 'ended_by_admin', '1', 'A device was signed out, by an administrator'],
  ['session_revoked', 'session_limit', '42', 'A device was signed out to make space for another one'],
  [
    'session_revoked',
    'password_changed: 12 sessions',
    '42',
    '12 devices were signed out because the password changed',
  ],
  ['session_revoked', 'ended_by_admin: 2 sessions', '1', '2 devices were signed out, by an administrator'],
  ['session_revoked', 'of_tomorrow: 3 sessions', '42', '3 devices were signed out'],
  ['session_revoked', 'a_reason_of_tomorrow', '42', 'A device was signed out'],
  ['refresh_reuse', '', '', 'A session was used from two places and ended'],
  ['password_changed', '', '42', 'Password changed'],
  ['profile_changed', '', '42', 'Profile changed'],
  ['role_changed', 'user to admin', '1', 'Role changed from user to admin, by an administrator'],
  ['role_changed', '', '1', 'Role changed, by an administrator'],
  ['user_disabled', '', '1', 'Account disabled, by an administrator'],
  ['user_enabled', '', '1', 'Account enabled again, by an administrator'],
  ['account_deleted', '', '42', 'Account deleted'],
  ['passkey_added', '', '42', 'Passkey added'],
])('%s (%s) by %j is told as: %s', (type, detail, actorId, words) => {
  expect(sayEvent(event(type, { detail, actorId }), '42').text).toBe(words)
})

it('marks events that may be an attacker’s, and no others', () => {
  expect(sayEvent(event('login_failed'), '42').alarming).toBe(true)
  expect(sayEvent(event('refresh_reuse'), '42').alarming).toBe(true)
  expect(sayEvent(event('login_succeeded'), '42').alarming).toBe(false)
})

it.each([
  ['2026-11-21T12:00:00Z', 'just now'],
  ['2026-11-21T11:59:01Z', 'just now'],
  ['2026-11-21T12:00:30Z', 'just now'],
  ['2026-11-21T11:59:00Z', '1 minute ago'],
  ['2026-11-19T12:00:00Z', '2 days ago'],
])('%s is %s', (time, words) => {
  expect(ago(time, Date.parse('2026-11-21T12:00:00Z'))).toBe(words)
})
