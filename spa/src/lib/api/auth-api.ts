import { authFetch } from '@/lib/api/auth-fetch'
import type { Credentials, Registration, SignedIn } from '@/lib/api/schema'
import { setServerClock } from '@/lib/api/server-clock'

export type { Credentials, Registration, Session, SignedIn, User } from '@/lib/api/schema'

export async function fetchMe(): Promise<SignedIn> {
  return signedIn(await authFetch('/api/auth/me'))
}

export async function login(credentials: Credentials): Promise<SignedIn> {
  return signedIn(await post('/api/auth/login', credentials))
}

/** Its dates are by the server's clock. */
function signedIn(answer: Response): Promise<SignedIn> {
  setServerClock(answer.headers.get('Date'))
  return answer.json() as Promise<SignedIn>
}

export async function register(registration: Registration): Promise<void> {
  await post('/api/auth/register', registration)
}

export async function logout(): Promise<void> {
  await authFetch('/api/auth/logout', { method: 'POST' })
}

function post(path: string, body: unknown): Promise<Response> {
  return authFetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
}
