import { http, HttpResponse } from 'msw'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createSessionSource, type SessionSource } from './session-source'
import { AGAIN_AFTER_MS } from './session-stream'
import { ada, anonymous, me, problem, session } from '@/test/answers'
import { FakeEventSource, openStreams } from '@/test/event-source'
import { server } from '@/test/server'

let visibility: 'visible' | 'hidden' = 'visible'
function look(next: typeof visibility): void {
  visibility = next
  document.dispatchEvent(new Event('visibilitychange'))
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

/** An answer to /me that waits until the test gives it; `asked` resolves when the app has asked. */
function heldMe(): { asked: Promise<void>; give: (response: Response) => void } {
  let give: (response: Response) => void = () => {}
  const answer = new Promise<Response>((resolve) => (give = resolve))
  const asked = new Promise<void>((resolve) => {
    answerMe(() => {
      resolve()
      return answer
    })
  })
  return { asked, give: (response) => give(response) }
}

beforeEach(() => {
  visibility = 'visible'
  vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => visibility)
})
afterEach(() => {
  document.body.replaceChildren()
  vi.useRealTimers()
})

/** A signed-in tab, and its stream if it has one. */
async function member(): Promise<SessionSource> {
  answerMe(() => me())
  const source = createSessionSource()
  onTestFinished(source.start())
  await source.ready()
  return source
}

async function streaming(): Promise<{ source: SessionSource; stream: FakeEventSource }> {
  const source = await member()
  const stream = await vi.waitFor(() => {
    const newest = openStreams().at(-1)
    if (!newest) throw new Error('there is no stream')
    return newest
  })
  stream.accept()
  return { source, stream }
}

describe('the stream', () => {
  it('is opened for a member, once, and closed with the session', async () => {
    const { source, stream } = await streaming()
    expect(stream.url).toBe('/api/auth/events')
    await source.refresh()
    expect(FakeEventSource.all).toHaveLength(1)
    server.use(http.post('/api/auth/logout', () => new HttpResponse(null, { status: 204 })))
    await source.signOut()
    expect(openStreams()).toEqual([])
  })

  it('that a hidden tab opens long after its load requests /me', async () => {
    visibility = 'hidden'
    vi.spyOn(document, 'addEventListener')
    const source = await member()
    await vi.waitFor(() =>
      expect(document.addEventListener).toHaveBeenCalledWith('visibilitychange', expect.anything()),
    )
    expect(openStreams()).toEqual([])
    const seen = answerMe(() => HttpResponse.json({ user: { ...ada, role: 'admin' }, session: session() }))
    look('visible')
    openStreams()[0]?.accept()
    await vi.waitFor(() => expect(source.getState()).toMatchObject({ user: { role: 'admin' } }))
    expect(seen.asked).toBe(1)
  })

  it('is not opened for a guest', async () => {
    answerMe(anonymous)
    const source = createSessionSource()
    onTestFinished(source.start())
    await source.ready()
    expect(FakeEventSource.all).toEqual([])
  })

  it('is closed with the page, which requests /me when it comes back', async () => {
    const { source } = await streaming()
    window.dispatchEvent(new Event('pagehide'))
    expect(openStreams()).toEqual([])
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
    expect(source.getState().status).toBe('loading')
    await vi.waitFor(() => expect(openStreams()).toHaveLength(1))
  })

  it('is closed by a hidden tab when another has one, which passes events on', async () => {
    const { source: hidden, stream } = await streaming()
    look('hidden')
    expect(openStreams()).toEqual([stream])
    visibility = 'visible'
    await member()
    const other = await vi.waitFor(() => {
      const found = openStreams().find((one) => one !== stream)
      if (!found) throw new Error('there is no second stream')
      return found
    })
    visibility = 'hidden'
    other.accept()
    await vi.waitFor(() => expect(stream.readyState).toBe(FakeEventSource.CLOSED))
    other.say('revoked', 'account_disabled')
    await vi.waitFor(() =>
      expect(hidden.getState()).toEqual({ status: 'signed-out', reason: 'account_disabled' }),
    )
  })

  it('that was cut off requests /me when it is back', async () => {
    const { source, stream } = await streaming()
    const seen = answerMe(() => HttpResponse.json({ user: { ...ada, role: 'admin' }, session: session() }))
    stream.cut()
    expect(seen.asked).toBe(0)
    stream.accept()
    await vi.waitFor(() => expect(source.getState()).toMatchObject({ user: { role: 'admin' } }))
    expect(seen.asked).toBe(1)
  })

  it('that is refused ends quietly, and is tried again later', async () => {
    const { source, stream } = await streaming()
    const seen = answerMe(() => me())
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    stream.refuse()
    expect(openStreams()).toEqual([])
    vi.advanceTimersByTime(AGAIN_AFTER_MS)
    expect(openStreams()).toHaveLength(1)
    vi.useRealTimers()
    await vi.waitFor(() => expect(seen.asked).toBe(1))
    expect(source.getState().status).toBe('signed-in')
  })

  it('that is refused because the session has ended gives the reason', async () => {
    const { source, stream } = await streaming()
    answerMe(() => problem(401, 'session_revoked'))
    stream.refuse()
    await vi.waitFor(() =>
      expect(source.getState()).toEqual({ status: 'signed-out', reason: 'session_revoked' }),
    )
  })
})

describe('the end', () => {
  it.each([
    ['sign_out', 'signed_out_elsewhere'],
    ['ended_by_user', 'ended_by_user'],
    ['ended_by_admin', 'ended_by_admin'],
    ['password_changed', 'password_changed'],
    ['account_disabled', 'account_disabled'],
    ['account_deleted', 'account_deleted'],
    ['session_limit', 'session_limit'],
    ['refresh_reuse', 'refresh_reuse'],
    ['expired', 'session_expired'],
    ['a word of a newer server', 'session_revoked'],
  ])('%s signs out at once, without asking', async (said, reason) => {
    const { source, stream } = await streaming()
    const seen = answerMe(() => me())
    stream.say('revoked', said)
    expect(source.getState()).toEqual({ status: 'signed-out', reason })
    expect(openStreams()).toEqual([])
    expect(seen.asked).toBe(0)
  })

  it('is not undone by an answer that was on its way', async () => {
    const { source, stream } = await streaming()
    const { asked, give } = heldMe()
    const old = source.refresh()
    await asked
    stream.say('revoked', 'account_disabled')
    give(me())
    await old
    expect(source.getState()).toEqual({ status: 'signed-out', reason: 'account_disabled' })
  })

  it('by a sign-out in this tab is handled by its response', async () => {
    const { source, stream } = await streaming()
    server.use(
      http.post('/api/auth/logout', () => {
        stream.say('revoked', 'sign_out')
        return new HttpResponse(null, { status: 204 })
      }),
    )
    await source.signOut()
    expect(source.getState()).toEqual({ status: 'signed-out', reason: 'signed_out' })
  })

  it.each([
    ['<textarea></textarea>', true],
    ['<input type="text">', true],
    ['<input type="search">', false],
    ['<input type="password">', false],
  ])('says whether something typed into %s is gone: %s', async (html, unsent) => {
    const { source, stream } = await streaming()
    document.body.innerHTML = html
    const field = document.querySelector<HTMLInputElement>('textarea, input')
    if (!field) throw new Error('there is no field')
    field.value = 'Water the plants'
    field.dispatchEvent(new Event('input', { bubbles: true }))
    stream.say('revoked', 'ended_by_admin')
    expect(source.getState()).toEqual({
      status: 'signed-out',
      reason: 'ended_by_admin',
      ...(unsent && { unsent: true }),
    })
  })

  it('does not mention text that was sent', async () => {
    const { source, stream } = await streaming()
    document.body.innerHTML = '<form><textarea></textarea></form>'
    const field = document.querySelector('textarea')
    if (!field) throw new Error('there is no field')
    field.value = 'Water the plants'
    field.dispatchEvent(new Event('input', { bubbles: true }))
    document.querySelector('form')?.dispatchEvent(new Event('submit', { bubbles: true }))
    stream.say('revoked', 'ended_by_admin')
    expect(source.getState()).toEqual({ status: 'signed-out', reason: 'ended_by_admin' })
  })
})

it('requests /me again when the role has changed, also while a request is under way', async () => {
  const { source, stream } = await streaming()
  const { asked, give } = heldMe()
  const old = source.refresh()
  await asked
  answerMe(() => HttpResponse.json({ user: { ...ada, role: 'admin' }, session: session() }))
  stream.say('role_changed', 'role_changed')
  await vi.waitFor(() => expect(source.getState()).toMatchObject({ user: { role: 'admin' } }))
  give(me())
  await old
  expect(source.getState()).toMatchObject({ user: { role: 'admin' } })
})

it('keeps saying that the session is about to end', async () => {
  const { source, stream } = await streaming()
  stream.say('expiring', 'expired')
  expect(source.getState()).toMatchObject({ status: 'signed-in', expiring: true })
  await source.refresh()
  expect(source.getState()).toMatchObject({ status: 'signed-in', expiring: true })
})
