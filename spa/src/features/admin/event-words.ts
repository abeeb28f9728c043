import type { BadgeTone } from '@/components/ui/badge'

/** Texts for the types of the audit trail, in the order of the filter. */
export const EVENT_WORDS: Record<string, { words: string; tone: BadgeTone }> = {
  registered: { words: 'Account created', tone: 'success' },
  login_succeeded: { words: 'Signed in', tone: 'neutral' },
  login_failed: { words: 'Sign-in refused', tone: 'warning' },
  logout: { words: 'Signed out', tone: 'neutral' },
  session_revoked: { words: 'Session ended', tone: 'neutral' },
  refresh_reuse: { words: 'Session used from two places', tone: 'danger' },
  password_changed: { words: 'Password changed', tone: 'accent' },
  profile_changed: { words: 'Profile changed', tone: 'neutral' },
  role_changed: { words: 'Role changed', tone: 'accent' },
  user_disabled: { words: 'Account disabled', tone: 'warning' },
  user_enabled: { words: 'Account enabled', tone: 'success' },
  account_deleted: { words: 'Account deleted', tone: 'danger' },
}

const DETAILS: Record<string, string> = {
  sign_out: 'in its own browser',
  ended_by_user: 'from another device of theirs',
  ended_by_admin: 'by an administrator',
  refresh_reuse: 'it was used from two places',
  password_changed: 'the password was changed',
  account_disabled: 'the account was disabled',
  account_deleted: 'the account was deleted',
  session_limit: 'to make space for another one',
}

/** The detail of several sessions that ended together: `password_changed: 12 sessions`. */
const SEVERAL = /^(\w+): (\d+ sessions)$/

export function sayEvent(type: string): { words: string; tone: BadgeTone } {
  return EVENT_WORDS[type] ?? { words: type.replaceAll('_', ' '), tone: 'neutral' }
}

export function sayDetail(detail: string): string {
  const [, reason, count] = SEVERAL.exec(detail) ?? []
  if (reason && count) return `${count}: ${DETAILS[reason] ?? reason}`
  return DETAILS[detail] ?? detail
}

/** Who did it. */
export function sayActor({ actorId, userId }: { actorId: string; userId: string }): string {
  if (!actorId) return 'nobody signed in'
  if (actorId === 'operator') return 'the operator’s command line'
  return actorId === userId ? 'themselves' : actorId
}
