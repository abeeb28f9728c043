import { useEffect, useRef, useState } from 'react'
import type { Call } from './calls'
import { eventsOf } from './event-stream'
import { authFetch, ProblemError } from '@/lib/api/auth-fetch'
import { sayProblem, type Words } from '@/lib/api/problem-words'
import { useMember } from '@/lib/session/use-auth'

/** The caller as the API saw them. */
export interface Seen {
  id: string
  role: string
  audience: string
  requestId: string
}

export interface Answer {
  call: Call
  status: number
  /** Until the answer's head was there, in milliseconds. */
  ms: number
  body: string
  seen: Seen | null
  /** Whether the session was renewed on the way; null when that could not be learnt. */
  renewed: boolean | null
  /** The latest events of a stream, newest first; null for an ordinary answer. */
  events: string[] | null
  eventCount: number
}

export type CallState =
  | { phase: 'idle' }
  | { phase: 'sending' }
  | { phase: 'answered'; answer: Answer }
  | { phase: 'streaming'; answer: Answer }
  | { phase: 'failed'; words: Words }

const KEPT_EVENTS = 8

export function useCall() {
  const { session, refresh } = useMember()
  const [state, setState] = useState<CallState>({ phase: 'idle' })
  const running = useRef<AbortController | null>(null)
  useEffect(() => () => running.current?.abort(), [])

  /** Did the call refresh the session? Scripts cannot read the cookies, but /me has the new times. */
  const renewedSince = async (before: string): Promise<boolean | null> => {
    try {
      const after = await refresh()
      return after.status === 'signed-in' && after.session.accessExpiresAt !== before
    } catch {
      return null
    }
  }

  /** Resolves at the end of the response or the stream: whether the call succeeded. */
  const send = async (call: Call, text: string): Promise<boolean> => {
    running.current?.abort()
    const controller = new AbortController()
    running.current = controller
    const { signal } = controller
    const before = session.accessExpiresAt
    setState({ phase: 'sending' })
    try {
      const started = performance.now()
      const response = await answerOf(call, text, signal)
      const ms = Math.round(performance.now() - started)
      const stream = response.ok && response.headers.get('Content-Type')?.startsWith('text/event-stream')
      const body = stream ? '' : await response.text()
      const renewed = await renewedSince(before)
      signal.throwIfAborted()
      let answer: Answer = {
        call,
        status: response.status,
        ms,
        body: pretty(body),
        seen: seenIn(body),
        renewed,
        events: stream ? [] : null,
        eventCount: 0,
      }
      if (!stream) {
        setState({ phase: 'answered', answer })
        return response.ok
      }
      setState({ phase: 'streaming', answer })
      for await (const event of eventsOf(response)) {
        const events = [event, ...(answer.events ?? [])].slice(0, KEPT_EVENTS)
        answer = { ...answer, events, eventCount: answer.eventCount + 1 }
        setState({ phase: 'streaming', answer })
      }
      // Ended by the server, perhaps because the session has ended.
      setState({ phase: 'answered', answer })
      await renewedSince(before)
      return true
    } catch (error) {
      if (!signal.aborted) setState({ phase: 'failed', words: sayProblem(error) })
      return false
    }
  }

  const stop = (): void => {
    running.current?.abort()
    setState((now) =>
      now.phase === 'streaming' ? { phase: 'answered', answer: now.answer } : { phase: 'idle' },
    )
  }

  return { state, send, stop }
}

/** Any answer will do, a refusal too: the panel shows what came back. */
async function answerOf(call: Call, text: string, signal: AbortSignal): Promise<Response> {
  const init: RequestInit =
    call.method === 'POST'
      ? { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ text }) }
      : {}
  try {
    return await authFetch(call.path, { ...init, signal })
  } catch (error) {
    if (error instanceof ProblemError && error.response) return error.response
    throw error
  }
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}

function seenIn(body: string): Seen | null {
  try {
    const seen = JSON.parse(body) as Partial<Seen> | null
    const { id, role, audience, requestId } = seen ?? {}
    return id && role && audience && requestId ? { id, role, audience, requestId } : null
  } catch {
    return null
  }
}
