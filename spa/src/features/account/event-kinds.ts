import type { AuditEvent, AuditEventType } from '@/lib/api/schema'

/** The filters of one's own events. */
export const KINDS = {
  all: 'Everything',
  access: 'Sign-ins and sign-outs',
  ended: 'Sessions ended',
  changes: 'Changes of the account',
} as const

export type Kind = keyof typeof KINDS

const KIND_OF: Record<AuditEventType, Exclude<Kind, 'all'>> = {
  registered: 'changes',
  login_succeeded: 'access',
  login_failed: 'access',
  logout: 'access',
  session_revoked: 'ended',
  refresh_reuse: 'ended',
  password_changed: 'changes',
  profile_changed: 'changes',
  role_changed: 'changes',
  user_disabled: 'changes',
  user_enabled: 'changes',
  account_deleted: 'changes',
}

export function ofKind(events: AuditEvent[], kind: Kind): AuditEvent[] {
  return kind === 'all' ? events : events.filter(({ type }) => KIND_OF[type] === kind)
}
