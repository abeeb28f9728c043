import type { Session, User } from '@/lib/api/auth-api'
import type { ProblemError } from '@/lib/api/auth-fetch'

/** Why a session has ended. */
export type EndReason =
  | 'signed_out'
  | 'signed_out_elsewhere'
  | 'session_ended'
  | 'session_expired'
  | 'session_revoked'
  | 'refresh_reuse'
  | 'ended_by_user'
  | 'ended_by_admin'
  | 'password_changed'
  | 'account_disabled'
  | 'account_deleted'
  | 'session_limit'

export type SettledState =
  /** `expiring`: the absolute end is a few minutes away. */
  | { status: 'signed-in'; user: User; session: Session; expiring?: true }
  /** `reason` is null without a session before; `unsent`: something was typed and not sent, and is lost. */
  | { status: 'signed-out'; reason: EndReason | null; unsent?: true }

export type SessionState =
  /** `problem`: the last request for /me failed; another may succeed. */
  { status: 'loading'; problem: ProblemError | null } | SettledState
