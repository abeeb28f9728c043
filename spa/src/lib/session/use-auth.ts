import { createContext, use, useMemo, useSyncExternalStore } from 'react'
import type { Session, User } from '@/lib/api/auth-api'
import type { ProblemError } from '@/lib/api/auth-fetch'
import type { EndReason } from '@/lib/session/session'
import type { SessionSource } from '@/lib/session/session-source'

export const SessionContext = createContext<SessionSource | null>(null)

type Who =
  | { status: 'loading'; user: null; session: null; reason: null; problem: ProblemError | null }
  | { status: 'signed-in'; user: User; session: Session; reason: null; problem: null }
  | { status: 'signed-out'; user: null; session: null; reason: EndReason | null; problem: null }

interface News {
  /** The session ends in a few minutes, used or not. */
  expiring: boolean
  /** Text that was typed and not sent went with the session. */
  unsent: boolean
}

export type Auth = Who & News & Pick<SessionSource, 'signIn' | 'signOut' | 'refresh'>

/** The state of the session, and the ways to change it. */
export function useAuth(): Auth {
  const source = use(SessionContext)
  if (!source) throw new Error('useAuth needs a SessionContext around it')
  const state = useSyncExternalStore(source.subscribe, source.getState)
  return useMemo(() => {
    const { signIn, signOut, refresh } = source
    const empty = { user: null, session: null, reason: null, problem: null, expiring: false, unsent: false }
    return { ...empty, ...state, signIn, signOut, refresh }
  }, [source, state])
}

/** For pages behind the members' guard, which render only with a session. */
export function useMember(): Extract<Auth, { status: 'signed-in' }> {
  const auth = useAuth()
  if (auth.status !== 'signed-in') throw new Error('useMember is for pages behind the members’ guard')
  return auth
}
