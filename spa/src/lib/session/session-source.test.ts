import { http, HttpResponse } from 'msw'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createSessionSource, type SessionSource } from './session-source'
import { authFetch } from '@/lib/api/auth-fetch'
import type { ProblemCode } from '@/lib/api/schema'
import { ada, anonymous, me, problem, session, signedIn } from '@/test/answers'
import { server } from '@/test/server'

const credentials = { email: ada.email, password: 'plain orbit lantern 7', remember: false }

/** One browser tab. */
function tab(): SessionSource {
  const source = createSessionSource()
  onTestFinished(source.start())
  return source
}

function answerMe(answer: () => Response | Promise<Response>): { asked: number } {
  const seen = { asked: 0 }
  server.use(
    http.get('/api/auth/me', () => {
      seen.asked++
      return answer()
    }),
  )
  return seen
}

async function member(): Promise<SessionSource> {
  answerMe(() => me())
  const source = tab()
  await source.ready()
  expect(source.getState().status).toBe('signed-in')
  return source
}

describe('at the start', () => {
  it('requests nothing when no session came, and still takes up one that another tab makes', async () => {
    const seen = answerMe(() => me())
    const source = createSessionSource({ stranger: true })
    onTestFinished(source.start())
    expect(await source.ready()).toEqual({ status: 'signed-out', reason: null })
    expect(seen.asked).toBe(0)
    const other = new BroadcastChannel('gatehouse-session')
    other.postMessage({ type: 'signed-in' })
    await vi.waitFor(() => expect(source.getState().status).toBe('signed-in'))
    other.close()
  })

  it('requests /me once for any number of callers', async () => {
    const seen = answerMe(() => me())
    const source = tab()
    expect(source.getState()).toEqual({ status: 'loading', problem: null })
    await Promise.all([source.ready(), source.ready(), source.ready()])
    await source.ready()
    expect(source.getState()).toEqual({ status: 'signed-in', user: ada, session: session() })
    expect(seen.asked).toBe(1)
  })

  it('is signed out without an error and a reason when there is no session', async () => {
    answerMe(anonymous)
    const source = tab()
    await expect(source.ready()).resolves.toEqual({ status: 'signed-out', reason: null })
  })

  it.each<ProblemCode>(['session_expired', 'session_revoked', 'refresh_reuse'])(
    'gives the reason when there was a session: %s',
    async (code) => {
      answerMe(() => problem(401, code))
      server.use(http.post('/api/auth/refresh', anonymous))
      await expect(tab().ready()).resolves.toEqual({ status: 'signed-out', reason: code })
    },
  )

  it('does not take a failure for a missing session, and tries again on the next call', async () => {
    const seen = answerMe(() => problem(503, 'session_store_unavailable'))
    const source = tab()
    await expect(source.ready()).rejects.toMatchObject({ status: 503 })
    expect(source.getState()).toMatchObject({ status: 'loading', problem: { status: 503 } })
    answerMe(() => me())
    await expect(source.ready()).resolves.toMatchObject({ status: 'signed-in' })
    expect(seen.asked).toBe(1)
  })
})

describe('signing in', () => {
  it('makes a member, here and in the other tabs', async () => {
    answerMe(anonymous)
    const [here, there] = [tab(), tab()]
    await Promise.all([here.ready(), there.ready()])
    server.use(http.post('/api/auth/login', () => HttpResponse.json({ ...signedIn() })))
    answerMe(() => me())
    await here.signIn(credentials)
    expect(here.getState()).toMatchObject({ status: 'signed-in', user: ada })
    await vi.waitFor(() => expect(there.getState().status).toBe('signed-in'))
  })

  it('with a wrong password changes nothing', async () => {
    answerMe(anonymous)
    server.use(http.post('/api/auth/login', () => problem(401, 'invalid_credentials')))
    const source = tab()
    await source.ready()
    await expect(source.signIn(credentials)).rejects.toMatchObject({ code: 'invalid_credentials' })
    expect(source.getState()).toEqual({ status: 'signed-out', reason: null })
  })

  it('is not undone by a response to an older request', async () => {
    let late: (response: Response) => void = () => {}
    answerMe(() => new Promise<Response>((resolve) => (late = resolve)))
    server.use(http.post('/api/auth/login', () => HttpResponse.json({ ...signedIn() })))
    const source = tab()
    const asked = source.ready()
    await source.signIn(credentials)
    late(anonymous())
    await expect(asked).resolves.toMatchObject({ status: 'signed-in' })
    expect(source.getState().status).toBe('signed-in')
  })
})

describe('signing out', () => {
  it('signs out here, and in the other tabs with the reason', async () => {
    const [here, there] = [await member(), await member()]
    server.use(http.post('/api/auth/logout', () => new HttpResponse(null, { status: 204 })))
    await here.signOut()
    expect(here.getState()).toEqual({ status: 'signed-out', reason: 'signed_out' })
    await vi.waitFor(() =>
      expect(there.getState()).toEqual({ status: 'signed-out', reason: 'signed_out_elsewhere' }),
    )
  })

  it('that does not reach the server changes nothing', async () => {
    const source = await member()
    server.use(http.post('/api/auth/logout', () => HttpResponse.error()))
    await expect(source.signOut()).rejects.toMatchObject({ code: 'network_error' })
    expect(source.getState().status).toBe('signed-in')
  })

  it('with the session store away counts when the cookies are gone', async () => {
    const source = await member()
    server.use(http.post('/api/auth/logout', () => problem(503, 'session_store_unavailable')))
    answerMe(anonymous)
    await source.signOut()
    expect(source.getState()).toEqual({ status: 'signed-out', reason: 'signed_out' })
  })

  it('with the session store away does not count while the cookies are there', async () => {
    const source = await member()
    server.use(http.post('/api/auth/logout', () => problem(503, 'session_store_unavailable')))
    await expect(source.signOut()).rejects.toMatchObject({ status: 503 })
    expect(source.getState().status).toBe('signed-in')
  })
})

describe('on the way', () => {
  it('takes up the new times of a session that authFetch renewed', async () => {
    const source = await member()
    const later = { accessExpiresAt: '2099-01-01T12:30:00Z' }
    let fresh = false
    server.use(
      http.get('/api/orders', () => (fresh ? HttpResponse.json([]) : problem(401, 'session_expired'))),
      http.post('/api/auth/refresh', () => {
        fresh = true
        return me(later)
      }),
    )
    await authFetch('/api/orders')
    expect(source.getState()).toMatchObject({ session: later })
  })

  it('notices that the session was ended, and tells the other tabs why', async () => {
    const [here, there] = [await member(), await member()]
    server.use(http.get('/api/orders', () => problem(401, 'session_revoked')))
    answerMe(anonymous) // the first answer has cleared the cookies
    await expect(authFetch('/api/orders')).rejects.toMatchObject({ code: 'session_revoked' })
    const ended = { status: 'signed-out', reason: 'session_revoked' }
    await vi.waitFor(() => expect(here.getState()).toEqual(ended))
    await vi.waitFor(() => expect(there.getState()).toEqual(ended))
  })

  it('does not end the next session for a tab that speaks of the one before', async () => {
    const source = await member()
    const [late, heard] = [
      new BroadcastChannel('gatehouse-session'),
      new BroadcastChannel('gatehouse-session'),
    ]
    onTestFinished(() => [late, heard].forEach((channel) => channel.close()))
    const arrived = new Promise((resolve) => heard.addEventListener('message', resolve, { once: true }))
    late.postMessage({ type: 'signed-out', session: 's0', reason: 'session_ended' })
    await arrived
    expect(source.getState().status).toBe('signed-in')
    late.postMessage({ type: 'signed-out', session: 's1', reason: 'session_ended' })
    await vi.waitFor(() =>
      expect(source.getState()).toEqual({ status: 'signed-out', reason: 'session_ended' }),
    )
  })

  it('checks /me when an API behind the proxy sends a session code', async () => {
    const source = await member()
    const seen = answerMe(() => me())
    server.use(http.get('/api/orders', () => problem(401, 'session_revoked')))
    await expect(authFetch('/api/orders')).rejects.toMatchObject({ status: 401 })
    await vi.waitFor(() => expect(seen.asked).toBe(1))
    expect(source.getState().status).toBe('signed-in')
  })

  it('stays signed in while the server cannot be reached', async () => {
    const source = await member()
    answerMe(() => problem(503, 'session_store_unavailable'))
    await expect(source.refresh()).rejects.toMatchObject({ status: 503 })
    expect(source.getState().status).toBe('signed-in')
  })

  it('refresh finds out that the session has ended', async () => {
    const source = await member()
    answerMe(anonymous)
    await expect(source.refresh()).resolves.toEqual({ status: 'signed-out', reason: 'session_ended' })
  })
})

describe('coming back from the back/forward cache', () => {
  const pageShow = (persisted: boolean) =>
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }))

  it('shows no user until /me has responded', async () => {
    const source = await member()
    answerMe(anonymous)
    pageShow(true)
    expect(source.getState()).toEqual({ status: 'loading', problem: null })
    await vi.waitFor(() => expect(source.getState().status).toBe('signed-out'))
  })

  it('is not the same as being loaded', async () => {
    const source = await member()
    const seen = answerMe(() => me())
    pageShow(false)
    expect(source.getState().status).toBe('signed-in')
    expect(seen.asked).toBe(0)
  })
})
