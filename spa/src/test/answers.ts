import { HttpResponse } from 'msw'
import type { Session, SignedIn, User } from '@/lib/api/auth-api'
import type { Problem, ProblemCode } from '@/lib/api/schema'

/** Responses of the server, in the shapes of its API. */

export const ada: User = {
  id: '42',
  email: 'ada@example.com',
  name: 'Ada Lovelace',
  role: 'user',
  emailVerified: false,
  createdAt: '2026-03-01T12:00:00Z',
}

export function session(fields: Partial<Session> = {}): Session {
  return {
    id: 's1',
    accessExpiresAt: '2099-01-01T12:15:00Z',
    idleExpiresAt: '2099-01-08T12:00:00Z',
    absoluteExpiresAt: '2099-04-01T12:00:00Z',
    remember: false,
    ...fields,
  }
}

export function signedIn(fields: Partial<Session> = {}): SignedIn {
  return { user: ada, session: session(fields) }
}

export function me(fields: Partial<Session> = {}) {
  return HttpResponse.json({ ...signedIn(fields) })
}

interface Extras {
  detail?: string
  errors?: Record<string, string>
  headers?: Record<string, string>
}

export function problem(status: number, code: ProblemCode, { headers, ...fields }: Extras = {}) {
  const type = `urn:gatehouse:problem:${code}`
  const body: Problem = { type, title: `Problem ${code}`, status, code, requestId: 'req-1', ...fields }
  return HttpResponse.json(body, {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
  })
}

export const anonymous = () => problem(401, 'not_authenticated')
