import type { EndReason, SessionState, SettledState } from './session'
import type { SessionNews, Watching } from './session-stream'
import { fetchMe, login, logout, type Credentials, type SignedIn } from '@/lib/api/auth-api'
import { onSessionEvent, ProblemError, type SessionEvent } from '@/lib/api/auth-fetch'

export interface SessionSource {
  getState(): SessionState
  subscribe(listener: () => void): () => void
  /** The settled state: requests /me once, and again only after a failure. Rejects when that fails. */
  ready(): Promise<SettledState>
  signIn(credentials: Credentials): Promise<void>
  /** Rejects, and changes nothing, when the request fails. */
  signOut(): Promise<void>
  /** Requests /me again. The server refreshes a stale session on the way. */
  refresh(): Promise<SettledState>
  /** Starts to listen to other tabs, to pageshow, and to the session events of authFetch. */
  start(): () => void
}

/** Between tabs. Nothing in it is secret, and a tab that gets "signed-in" requests /me itself. */
type TabMessage =
  { type: 'signed-in' } | { type: 'signed-out'; session: string | undefined; reason: EndReason }

/**
 * The one source of truth about the session. It never sees a token: those are HttpOnly cookies. With `stranger` it
 * starts signed out, without a request.
 */
export function createSessionSource({ stranger = false } = {}): SessionSource {
  let state: SessionState = stranger
    ? { status: 'signed-out', reason: null }
    : { status: 'loading', problem: null }
  const listeners = new Set<() => void>()
  let channel: BroadcastChannel | undefined

  /** Counts the changes made here, so that a late response to an earlier request cannot undo them. */
  let decisions = 0
  let request: Promise<SettledState> | undefined
  /** The reason for the session's end in a response, while /me is requested. */
  let hint: EndReason | undefined
  let signingOut = false
  /** The session whose events are followed; only between start and its end. */
  let watched: { id: string; live?: Watching } | undefined
  /** The session that is about to end by its age. */
  let expiring: string | undefined

  function set(next: SessionState): void {
    if (next.status === 'signed-in' && next.session.id === expiring) next = { ...next, expiring: true }
    if (next.status === 'signed-out' && next.reason !== 'signed_out' && state.status === 'signed-in') {
      // Checked now: the next render removes the fields.
      if (watched?.live?.unsent()) next = { ...next, unsent: true }
    }
    state = next
    watch()
    for (const listener of listeners) listener()
  }

  /** The id of the current session. */
  function here(): string | undefined {
    return state.status === 'signed-in' ? state.session.id : undefined
  }

  function watch(): void {
    const id = here()
    if (!channel || id === watched?.id) return
    watched?.live?.stop()
    watched = undefined
    if (id !== undefined) void listen((watched = { id }))
  }

  function decide(next: SessionState): void {
    decisions++
    request = undefined
    set(next)
  }

  function send(message: TabMessage): void {
    channel?.postMessage(message)
  }

  function ask(): Promise<SettledState> {
    if (request) return request
    const asked = answer(decisions).finally(() => {
      if (request === asked) request = undefined
    })
    request = asked
    return asked
  }

  async function answer(askedAt: number): Promise<SettledState> {
    try {
      const { user, session } = await fetchMe()
      return applied({ status: 'signed-in', user, session }, askedAt)
    } catch (error) {
      if (error instanceof ProblemError && error.signedOut) {
        const session = here()
        const ended = applied({ status: 'signed-out', reason: reasonOf(error, Boolean(session)) }, askedAt)
        if (session && ended.status === 'signed-out' && ended.reason) {
          send({ type: 'signed-out', session, reason: ended.reason })
        }
        return ended
      }
      if (state.status === 'loading' && askedAt === decisions) {
        set({ status: 'loading', problem: error instanceof ProblemError ? error : null })
      }
      throw error
    } finally {
      hint = undefined
    }
  }

  function applied(next: SettledState, askedAt: number): SettledState {
    if (askedAt === decisions) {
      set(next)
      return next
    }
    // A sign-in or sign-out while the request was under way counts.
    return state.status === 'loading' ? next : state
  }

  function reasonOf(problem: ProblemError, wasSignedIn: boolean): EndReason | null {
    switch (problem.code) {
      case 'session_expired':
      case 'session_revoked':
      case 'refresh_reuse':
        return problem.code
      default:
        return hint ?? (wasSignedIn ? 'session_ended' : null)
    }
  }

  function onEvent(event: SessionEvent): void {
    if (signingOut || state.status !== 'signed-in') return
    if (event.type === 'renewed') {
      const body = event.body as SignedIn
      set({ status: 'signed-in', user: body.user, session: body.session })
      return
    }
    const { code } = event.problem
    if (code === 'session_expired' || code === 'session_revoked' || code === 'refresh_reuse') hint = code
    // An API behind the proxy could send these codes too, so /me decides. Should it fail, the next
    // response decides.
    if (!request) ask().catch(() => {})
  }

  async function listen(to: NonNullable<typeof watched>): Promise<void> {
    const { watchSession } = await import('./session-stream')
    if (watched === to) to.live = watchSession(to.id, { onNews, onGap: askAgain })
  }

  function onNews({ type, reason }: SessionNews): void {
    // A sign-out in this tab is handled by its response.
    if (signingOut || state.status !== 'signed-in') return
    if (type === 'revoked') {
      decide({ status: 'signed-out', reason })
    } else if (type === 'expiring') {
      expiring = state.session.id
      set(state)
    } else {
      askAgain()
    }
  }

  /** The response to a request under way may be older than the change. */
  function askAgain(): void {
    if (signingOut) return
    decisions++
    request = undefined
    ask().catch(() => {})
  }

  function onMessage({ data }: MessageEvent<TabMessage>): void {
    if (data.type === 'signed-in') {
      askAgain()
    } else if (state.status === 'signed-out' || signingOut) {
      return
    } else if (data.session !== here()) {
      // A tab that slept means the session before this one, and would end the new one.
      askAgain()
    } else {
      const reason = data.reason === 'signed_out' ? 'signed_out_elsewhere' : data.reason
      decide({ status: 'signed-out', reason })
    }
  }

  function onPageShow(event: PageTransitionEvent): void {
    // The page comes back from the back/forward cache as it was left, perhaps by another user.
    if (!event.persisted) return
    decide({ status: 'loading', problem: null })
    ask().catch(() => {})
  }

  return {
    getState: () => state,

    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    async ready() {
      return state.status === 'loading' ? ask() : state
    },

    async signIn(credentials) {
      const { user, session } = await login(credentials)
      decide({ status: 'signed-in', user, session })
      send({ type: 'signed-in' })
    },

    async signOut() {
      signingOut = true
      try {
        await logout()
      } catch (error) {
        // With its session store down the server still clears this browser's cookies and ends the session
        // later. /me shows whether it did clear them.
        if (!(error instanceof ProblemError && error.status === 503) || (await stillSignedIn())) throw error
      } finally {
        signingOut = false
      }
      const session = here()
      decide({ status: 'signed-out', reason: 'signed_out' })
      send({ type: 'signed-out', session, reason: 'signed_out' })
    },

    refresh: ask,

    start() {
      channel = new BroadcastChannel('gatehouse-session')
      channel.addEventListener('message', onMessage)
      watch()
      window.addEventListener('pageshow', onPageShow)
      const stopEvents = onSessionEvent(onEvent)
      return () => {
        channel?.close()
        channel = undefined
        watched?.live?.stop()
        watched = undefined
        window.removeEventListener('pageshow', onPageShow)
        stopEvents()
      }
    },
  }
}

async function stillSignedIn(): Promise<boolean> {
  try {
    await fetchMe()
    return true
  } catch (error) {
    return !(error instanceof ProblemError && error.signedOut)
  }
}
