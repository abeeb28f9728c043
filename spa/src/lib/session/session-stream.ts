import type { EndReason } from './session'
import { followTyping } from './typing'

/** An event of a session. */
export interface SessionNews {
  type: 'revoked' | 'role_changed' | 'expiring'
  /** For the end of a session. */
  reason: EndReason
}

/** The app's reason for each one of the server's. */
const ENDS: Record<string, EndReason> = {
  sign_out: 'signed_out_elsewhere',
  expired: 'session_expired',
  refresh_reuse: 'refresh_reuse',
  ended_by_user: 'ended_by_user',
  ended_by_admin: 'ended_by_admin',
  password_changed: 'password_changed',
  account_disabled: 'account_disabled',
  account_deleted: 'account_deleted',
  session_limit: 'session_limit',
}

interface Watch {
  onNews: (news: SessionNews) => void
  /** There was or is a time without a stream: /me has to be requested. */
  onGap: () => void
}

export interface Watching {
  /** The page has text that was typed and not sent. */
  unsent: () => boolean
  stop: () => void
}

type Relay = { session: string; news: SessionNews } | { session: string; news: null }

/** Refused, an EventSource gives up for good and does not say why. The server's Retry-After is a minute. */
export const AGAIN_AFTER_MS = 60_000

/**
 * Follows the events of a session until it is stopped. A chunk of its own: the sign-in page does not need it.
 *
 * Not every tab may hold a stream: over HTTP/1.1 a browser has six connections to a server, and the seventh tab
 * would wait for ever. So a tab opens one when it is visible, keeps it when it is hidden, and closes it when another
 * visible tab has its own. Events are passed on to the other tabs.
 */
export function watchSession(session: string, { onNews, onGap }: Watch): Watching {
  const typing = followTyping()
  const channel = new BroadcastChannel('gatehouse-session-news')
  let stream: EventSource | undefined
  let again: ReturnType<typeof setTimeout> | undefined
  /** The first stream follows /me at once, but for a hidden tab's, and the server sends the events in between. */
  let opened = document.visibilityState !== 'visible'

  function open(): void {
    if (stream) return
    clearTimeout(again)
    const opening = new EventSource('/api/auth/events')
    stream = opening
    opening.addEventListener('open', () => {
      relay(null)
      if (opened) onGap()
      opened = true
    })
    opening.addEventListener('session', ({ data }: MessageEvent<string>) => {
      const { type, reason } = JSON.parse(data) as { type: SessionNews['type']; reason: string }
      const news = { type, reason: ENDS[reason] ?? 'session_revoked' }
      relay(news)
      onNews(news)
    })
    opening.addEventListener('error', () => {
      if (stream !== opening || opening.readyState !== EventSource.CLOSED) return
      close()
      opened = true
      again = setTimeout(look, AGAIN_AFTER_MS)
      onGap()
    })
  }

  function close(): void {
    clearTimeout(again)
    stream?.close()
    stream = undefined
  }

  /** `null` says that this tab listens for the others. */
  function relay(news: SessionNews | null): void {
    channel.postMessage({ session, news } satisfies Relay)
  }

  function look(): void {
    if (document.visibilityState === 'visible') open()
  }

  channel.addEventListener('message', ({ data }: MessageEvent<Relay>) => {
    if (data.session !== session) return
    if (data.news) onNews(data.news)
    else if (document.visibilityState !== 'visible') close()
  })
  document.addEventListener('visibilitychange', look)
  // A page with an open connection is not kept for the back button.
  window.addEventListener('pagehide', close)
  look()

  return {
    unsent: typing.unsent,
    stop() {
      close()
      typing.stop()
      channel.close()
      document.removeEventListener('visibilitychange', look)
      window.removeEventListener('pagehide', close)
    },
  }
}
