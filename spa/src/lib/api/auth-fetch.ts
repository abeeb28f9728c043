/**
 * The one way from this app to the server: `fetch` plus what a session behind HttpOnly cookies needs.
 *
 * It imports nothing, so another frontend can copy the file as it is. It adds to `fetch`:
 *
 * - Same origin only. The cookies are the credentials and must not travel.
 * - An answer that is not 2xx is thrown as a ProblemError, built from RFC 9457 problem+json when it is one.
 * - A 401 `session_expired` leads to one `POST /api/auth/refresh`, shared by all waiting callers, and then to
 *   exactly one retry with the same body. Any other 401, such as one from an API behind the proxy, is the
 *   caller's to handle: a refresh would not help.
 * - Nothing can hang: the shared refresh has a deadline and is forgotten when it ends, however it ends.
 */

const REFRESH_PATH = '/api/auth/refresh'
export const REFRESH_TIMEOUT_MS = 10_000

/** 401 codes that mean that there is no session (any more). */
const SESSION_GONE = new Set(['session_expired', 'session_revoked', 'refresh_reuse', 'not_authenticated'])

interface ProblemFields {
  status: number
  code: string
  title?: string | undefined
  detail?: string | undefined
  requestId?: string | undefined
  errors?: Record<string, string> | undefined
  retryAfter?: number | undefined
  response?: Response | undefined
}

export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  /** HTTP status; 0 when there was no answer at all. */
  readonly status: number
  /** The server's code, or `network_error`, `refresh_timeout`, `http_error` (no problem+json) from here. */
  readonly code: string
  readonly title: string
  readonly detail: string | undefined
  readonly requestId: string | undefined
  /** By field, on 422. */
  readonly errors: Record<string, string>
  /** In seconds. */
  readonly retryAfter: number | undefined
  /** The answer itself with its body unread, for callers who want more than the problem. */
  readonly response: Response | undefined

  constructor(fields: ProblemFields, options?: ErrorOptions) {
    const title = fields.title ?? `HTTP ${fields.status}`
    super(fields.detail ?? title, options)
    this.status = fields.status
    this.code = fields.code
    this.title = title
    this.detail = fields.detail
    this.requestId = fields.requestId
    this.errors = fields.errors ?? {}
    this.retryAfter = fields.retryAfter
    this.response = fields.response
  }

  /** There is no session (any more). */
  get signedOut(): boolean {
    return this.status === 401 && SESSION_GONE.has(this.code)
  }

  /** The server could not be reached or could not check, so the session may still be good. */
  get unavailable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504
  }
}

export type SessionEvent =
  /** `body` is the response to the refresh. */
  | { type: 'renewed'; body: unknown }
  /** A response meant that there is no session. */
  | { type: 'ended'; problem: ProblemError }

const listeners = new Set<(event: SessionEvent) => void>()

/** Calls `listener` after each refresh and end of the session. Returns the function that stops it. */
export function onSessionEvent(listener: (event: SessionEvent) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export async function authFetch(path: string, init: RequestInit = {}): Promise<Response> {
  const url = sameOrigin(path)
  const [first, again] = twice(init)
  const sentIn = renewals
  try {
    const response = await send(url, first)
    discard(again, first)
    return response
  } catch (error) {
    if (!isExpired(error) || url.pathname === REFRESH_PATH) {
      discard(again, first)
      throw announced(error)
    }
    // A refresh that ended while this request was under way is the one it needs.
    if (sentIn === renewals) await renewed(error, init.signal)
  }
  try {
    return await send(url, again)
  } catch (error) {
    throw announced(error)
  }
}

/** Counts successful refreshes. */
let renewals = 0
let renewal: Promise<void> | undefined

/** Resolves after the one refresh that all waiting callers share. */
async function renewed(expired: ProblemError, signal: AbortSignal | null | undefined): Promise<void> {
  renewal ??= refresh().finally(() => {
    renewal = undefined
  })
  try {
    await unlessAborted(renewal, signal)
  } catch (error) {
    // By now the cookies are gone, and not_authenticated says less than the first code did.
    const less = error instanceof ProblemError && error.code === 'not_authenticated'
    throw announced(less ? expired : error)
  }
}

async function refresh(): Promise<void> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), REFRESH_TIMEOUT_MS)
  try {
    const response = await send(sameOrigin(REFRESH_PATH), { method: 'POST', signal: deadline.signal })
    const body: unknown = await response.json()
    renewals++
    tell({ type: 'renewed', body })
  } catch (error) {
    if (error instanceof ProblemError) throw error
    // Aborted, or a response cut short: whether the session was refreshed is unknown, and a repetition is safe.
    const code = deadline.signal.aborted ? 'refresh_timeout' : 'network_error'
    throw new ProblemError({ status: 0, code, title: 'The session could not be renewed' }, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

async function send(url: URL, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, { ...init, credentials: 'same-origin' })
  } catch (error) {
    // A caller who aborts knows why; everything else that fetch throws is the network.
    if (init.signal?.aborted || isAbort(error)) throw error
    const title = 'The server could not be reached'
    throw new ProblemError({ status: 0, code: 'network_error', title }, { cause: error })
  }
  if (!response.ok) throw await problemOf(response)
  return response
}

async function problemOf(response: Response): Promise<ProblemError> {
  const { status } = response
  const base = {
    status,
    code: 'http_error',
    retryAfter: secondsOf(response.headers.get('Retry-After')),
    response,
  }
  if (!response.headers.get('Content-Type')?.startsWith('application/problem+json'))
    return new ProblemError(base)
  let body: unknown
  try {
    body = await response.clone().json()
  } catch {
    return new ProblemError(base)
  }
  if (typeof body !== 'object' || body === null) return new ProblemError(base)
  const field = (name: string): string | undefined => {
    const value: unknown = Reflect.get(body, name)
    return typeof value === 'string' ? value : undefined
  }
  return new ProblemError({
    ...base,
    code: field('code') ?? base.code,
    title: field('title'),
    detail: field('detail'),
    requestId: field('requestId'),
    errors: textsOf(Reflect.get(body, 'errors')),
  })
}

function textsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

/** Retry-After holds seconds or a date (RFC 9110 §10.2.3). */
function secondsOf(header: string | null): number | undefined {
  if (!header) return undefined
  if (/^\d+$/.test(header)) return Number(header)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000))
}

function sameOrigin(path: string): URL {
  const url = new URL(path, location.origin)
  if (url.origin !== location.origin)
    throw new TypeError(`authFetch stays on its own origin, not ${url.origin}`)
  return url
}

/** The same request for now and for a retry. Only a stream can be read just once. */
function twice(init: RequestInit): [RequestInit, RequestInit] {
  if (!(init.body instanceof ReadableStream)) return [init, init]
  const [now, later] = init.body.tee()
  return [
    { ...init, body: now },
    { ...init, body: later },
  ]
}

/** An unread half of a stream would hold everything that the other half has read. */
function discard(again: RequestInit, first: RequestInit): void {
  if (again !== first && again.body instanceof ReadableStream) void again.body.cancel()
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function isExpired(error: unknown): error is ProblemError {
  return error instanceof ProblemError && error.status === 401 && error.code === 'session_expired'
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

function announced(error: unknown): unknown {
  if (error instanceof ProblemError && error.signedOut) tell({ type: 'ended', problem: error })
  return error
}

function tell(event: SessionEvent): void {
  for (const listener of listeners) listener(event)
}
