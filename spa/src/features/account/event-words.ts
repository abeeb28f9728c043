import type { AuditEvent, AuditEventType } from '@/lib/api/schema'

interface Saying {
  text: string
  /** Worth a second look: it may have been an attacker. */
  alarming: boolean
}

const TEXTS: Record<AuditEventType, string> = {
  registered: 'Account created',
  login_succeeded: 'Signed in',
  login_failed: 'Sign-in failed',
  logout: 'Signed out',
  session_revoked: 'A device was signed out',
  refresh_reuse: 'A session was used from two places and ended',
  password_changed: 'Password changed',
  profile_changed: 'Profile changed',
  role_changed: 'Role changed',
  user_disabled: 'Account disabled',
  user_enabled: 'Account enabled again',
  account_deleted: 'Account deleted',
}

/** Why a session was ended, from the event's detail. */
const ENDS: Record<string, string> = {
  sign_out: 'Signed out',
  ended_by_user: 'A device was signed out from another one',
  password_changed: 'A device was signed out because the password changed',
  account_disabled: 'A device was signed out because the account was disabled',
  account_deleted: 'A device was signed out because the account was deleted',
  ended_by_admin: 'A device was signed out',
  session_limit: 'A device was signed out to make space for another one',
}

/** The detail of several sessions that ended together: `password_changed: 12 sessions`. */
const SEVERAL = /^(\w+): (\d+) sessions$/

const ALARMING = new Set(['login_failed', 'refresh_reuse'])

/** The text of an event for the account's owner. A type of a newer server is shown as it is. */
export function sayEvent({ type, actorId, detail }: AuditEvent, ownId: string): Saying {
  const [, reason = detail, count] = SEVERAL.exec(detail) ?? []
  let known = (type === 'session_revoked' && ENDS[reason]) || TEXTS[type]
  if (type === 'session_revoked' && count) known = known.replace('A device was', `${count} devices were`)
  let text = known ?? sentence(type)
  if (type === 'role_changed' && detail) text = `Role changed from ${detail}`
  if (type === 'login_failed' && detail) text = `Sign-in failed: ${detail}`
  if (actorId && actorId !== ownId) text += ', by an administrator'
  return { text, alarming: ALARMING.has(type) }
}

function sentence(type: string): string {
  const words = type.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
