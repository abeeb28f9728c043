import { delay, http, HttpResponse } from 'msw'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { authFetch, onSessionEvent, ProblemError, REFRESH_TIMEOUT_MS, type SessionEvent } from './auth-fetch'
import type { ProblemCode } from '@/lib/api/schema'
import { problem, signedIn } from '@/test/answers'
import { server } from '@/test/server'

const events: SessionEvent[] = []
onSessionEvent((event) => events.push(event))
afterEach(() => {
  events.length = 0
  vi.useRealTimers()
})

async function problemFrom(promise: Promise<unknown>): Promise<ProblemError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ProblemError)
  return error as ProblemError
}

/** A server whose session is stale until it is refreshed; counts its requests. */
function staleServer(
  refresh: () => Response | Promise<Response> = () => HttpResponse.json({ ...signedIn() }),
) {
  const seen = { calls: 0, refreshes: 0, bodies: [] as string[] }
  let fresh = false
  server.use(
    http.all('/api/orders', async ({ request }) => {
      seen.calls++
      seen.bodies.push(await request.text())
      return fresh ? HttpResponse.json({ ok: true }) : problem(401, 'session_expired')
    }),
    http.post('/api/auth/refresh', async () => {
      seen.refreshes++
      const answer = await refresh()
      fresh = answer.ok
      return answer
    }),
  )
  return seen
}

describe('an answer', () => {
  it('is handed over as it is when it is fine', async () => {
    server.use(http.get('/api/orders', () => HttpResponse.json([1])))
    await expect((await authFetch('/api/orders')).json()).resolves.toEqual([1])
    expect(events).toEqual([])
  })

  it('is thrown as a ProblemError with all that the server said', async () => {
    const answer = problem(422, 'validation_failed', { detail: 'Look again.', errors: { email: 'No.' } })
    server.use(http.get('/api/orders', () => answer))
    const error = await problemFrom(authFetch('/api/orders'))
    expect(error).toMatchObject({
      status: 422,
      code: 'validation_failed',
      title: 'Problem validation_failed',
      detail: 'Look again.',
      message: 'Look again.',
      requestId: 'req-1',
      errors: { email: 'No.' },
      signedOut: false,
      unavailable: false,
    })
  })

  it.each([
    ['7', 7],
    ['soon', undefined],
  ])('with Retry-After %s means a wait of %s seconds', async (header, seconds) => {
    server.use(
      http.get('/api/orders', () =>
        problem(429, 'too_many_attempts', { headers: { 'Retry-After': header } }),
      ),
    )
    expect((await problemFrom(authFetch('/api/orders'))).retryAfter).toBe(seconds)
  })

  it('with a date in Retry-After means the time until then', async () => {
    const at = new Date(Date.now() + 3_600_000).toUTCString()
    server.use(http.get('/api/orders', () => problem(503, 'busy', { headers: { 'Retry-After': at } })))
    const { retryAfter } = await problemFrom(authFetch('/api/orders'))
    expect(retryAfter).toBeGreaterThan(3500)
    expect(retryAfter).toBeLessThanOrEqual(3600)
  })

  it('that is not problem+json keeps its body for the caller', async () => {
    server.use(http.get('/api/orders', () => HttpResponse.text('teapot', { status: 418 })))
    const error = await problemFrom(authFetch('/api/orders'))
    expect(error).toMatchObject({ status: 418, code: 'http_error' })
    await expect(error.response?.text()).resolves.toBe('teapot')
  })

  it.each(['{', 'null', '[]', '{"errors":{"email":1},"code":7}'])(
    'that calls itself problem+json but is %s is an http_error',
    async (body) => {
      const headers = { 'Content-Type': 'application/problem+json' }
      server.use(http.get('/api/orders', () => new HttpResponse(body, { status: 400, headers })))
      expect(await problemFrom(authFetch('/api/orders'))).toMatchObject({ code: 'http_error', errors: {} })
    },
  )

  it('that never comes is a network_error, which is unavailable and not signed out', async () => {
    server.use(http.get('/api/orders', () => HttpResponse.error()))
    const error = await problemFrom(authFetch('/api/orders'))
    expect(error).toMatchObject({ status: 0, code: 'network_error', unavailable: true, signedOut: false })
    expect(events).toEqual([])
  })
})

describe('an expired session', () => {
  it('is renewed once for ten callers, each of whom is answered', async () => {
    const seen = staleServer(async () => {
      await delay(30)
      return HttpResponse.json({ ...signedIn() })
    })
    const answers = await Promise.all(Array.from({ length: 10 }, () => authFetch('/api/orders')))
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200))
    expect(seen).toMatchObject({ refreshes: 1, calls: 20 })
    expect(events).toEqual([{ type: 'renewed', body: signedIn() }])
  })

  it('is not renewed again for a caller whose 401 arrives after the renewal', async () => {
    const seen = staleServer()
    server.use(
      http.get('/api/slow', async () => {
        if (seen.refreshes > 0) return HttpResponse.json({ ok: true })
        await delay(60)
        return problem(401, 'session_expired')
      }),
    )
    const slow = authFetch('/api/slow')
    await authFetch('/api/orders')
    expect((await slow).status).toBe(200)
    expect(seen.refreshes).toBe(1)
  })

  it('can be renewed a second time later', async () => {
    const first = staleServer()
    await authFetch('/api/orders')
    const second = staleServer()
    await authFetch('/api/orders')
    expect([first.refreshes, second.refreshes]).toEqual([1, 1])
  })

  it.each([
    ['text', () => 'a note'],
    ['a form', () => new URLSearchParams({ text: 'a note' })],
    ['a blob', () => new Blob(['a note'])],
    ['a stream', () => new Blob(['a note']).stream()],
  ])('lets the retry carry the same body, when that is %s', async (_, body) => {
    const seen = staleServer()
    // Streams need the member `duplex`, which the DOM's types do not know yet.
    const init = { method: 'POST', body: body(), duplex: 'half' }
    expect((await authFetch('/api/orders', init)).status).toBe(200)
    expect(seen.bodies).toHaveLength(2)
    expect(seen.bodies[0]).toContain('note')
    expect(seen.bodies[1]).toBe(seen.bodies[0])
  })

  it('is retried exactly once, however often the server says so', async () => {
    const seen = staleServer()
    server.use(
      http.get('/api/orders', () => {
        seen.calls++
        return problem(401, 'session_expired')
      }),
    )
    expect(await problemFrom(authFetch('/api/orders'))).toMatchObject({
      code: 'session_expired',
      signedOut: true,
    })
    expect(seen).toMatchObject({ refreshes: 1, calls: 2 })
  })

  it.each<ProblemCode>(['session_revoked', 'refresh_reuse'])(
    'that turns out as %s is thrown and announced as that',
    async (code) => {
      const seen = staleServer(() => problem(401, code))
      const error = await problemFrom(authFetch('/api/orders'))
      expect(error).toMatchObject({ status: 401, code, signedOut: true })
      expect(seen).toMatchObject({ refreshes: 1, calls: 1 })
      expect(events).toEqual([{ type: 'ended', problem: error }])
    },
  )

  it('stays session_expired when the refresh only says that there are no cookies', async () => {
    staleServer(() => problem(401, 'not_authenticated'))
    expect(await problemFrom(authFetch('/api/orders'))).toMatchObject({
      code: 'session_expired',
      signedOut: true,
    })
  })

  it('is unavailable, not signed out, when the refresh answers 503', async () => {
    const answer = () => problem(503, 'session_store_unavailable', { headers: { 'Retry-After': '2' } })
    const seen = staleServer(answer)
    const error = await problemFrom(authFetch('/api/orders'))
    expect(error).toMatchObject({ status: 503, unavailable: true, signedOut: false, retryAfter: 2 })
    expect(seen).toMatchObject({ refreshes: 1, calls: 1 })
    expect(events).toEqual([])
  })

  it('is unavailable when the refresh cannot be reached, and the next call tries again', async () => {
    const seen = staleServer(() => HttpResponse.error())
    expect(await problemFrom(authFetch('/api/orders'))).toMatchObject({
      code: 'network_error',
      signedOut: false,
    })
    expect(await problemFrom(authFetch('/api/orders'))).toMatchObject({
      code: 'network_error',
      signedOut: false,
    })
    expect(seen.refreshes).toBe(2)
  })

  it('does not wait for ever: a refresh that hangs is given up, and the next call starts a new one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let hang = true
    const seen = staleServer(() =>
      hang ? new Promise<never>(() => {}) : HttpResponse.json({ ...signedIn() }),
    )
    const waiting = [problemFrom(authFetch('/api/orders')), problemFrom(authFetch('/api/orders'))]
    await vi.waitFor(() => expect(seen.refreshes).toBe(1))
    await vi.advanceTimersByTimeAsync(REFRESH_TIMEOUT_MS)
    for (const error of await Promise.all(waiting)) {
      expect(error).toMatchObject({ status: 0, code: 'refresh_timeout', unavailable: true, signedOut: false })
    }
    hang = false
    expect((await authFetch('/api/orders')).status).toBe(200)
    expect(seen.refreshes).toBe(2)
  })
})

describe('any other 401', () => {
  it.each([
    ['of an API behind the proxy', () => HttpResponse.json({ code: 'session_expired' }, { status: 401 })],
    ['without a body', () => new HttpResponse(null, { status: 401 })],
    ['that is a problem with a code of its own', () => problem(401, 'invalid_credentials')],
  ])('%s is neither refreshed nor retried', async (_, answer) => {
    let calls = 0
    server.use(
      http.get('/api/orders', () => {
        calls++
        return answer()
      }),
    )
    expect(await problemFrom(authFetch('/api/orders'))).toMatchObject({ status: 401, signedOut: false })
    expect(calls).toBe(1)
    expect(events).toEqual([])
  })
})

describe('a caller who aborts', () => {
  it('gets the reason, and no problem', async () => {
    server.use(http.get('/api/orders', () => new Promise<never>(() => {})))
    const controller = new AbortController()
    const call = authFetch('/api/orders', { signal: controller.signal })
    controller.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('leaves the shared refresh to the others', async () => {
    let answer: (response: Response) => void = () => {}
    const seen = staleServer(() => new Promise<Response>((resolve) => (answer = resolve)))
    const controller = new AbortController()
    const leaving = authFetch('/api/orders', { signal: controller.signal })
    const staying = authFetch('/api/orders')
    await vi.waitFor(() => expect(seen.calls).toBe(2))
    await vi.waitFor(() => expect(seen.refreshes).toBe(1))
    controller.abort()
    await expect(leaving).rejects.toMatchObject({ name: 'AbortError' })
    answer(HttpResponse.json({ ...signedIn() }))
    expect((await staying).status).toBe(200)
    expect(seen).toMatchObject({ refreshes: 1, calls: 3 })
  })
})

it.each(['https://elsewhere.example/api', '//elsewhere.example/api'])(
  'refuses to leave its origin: %s',
  async (url) => {
    await expect(authFetch(url)).rejects.toThrow(TypeError)
  },
)
