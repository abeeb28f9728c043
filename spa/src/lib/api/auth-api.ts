import { authFetch } from '@/lib/api/auth-fetch'

export interface User {
  id: string
  email: string
  name: string
  role: 'user' | 'admin'
  emailVerified: boolean
  createdAt: string
}

/** Times are RFC 3339. */
export interface Session {
  id: string
  /** When the access cookie goes stale: the next request after that is renewed on the way. */
  accessExpiresAt: string
  /** When the session ends unless something is done with it. */
  idleExpiresAt: string
  /** When it ends in any case. */
  absoluteExpiresAt: string
  remember: boolean
}

export interface SignedIn {
  user: User
  session: Session
}

export interface Credentials {
  email: string
  password: string
  remember: boolean
}

export interface Registration {
  email: string
  password: string
  name?: string
}

export async function fetchMe(): Promise<SignedIn> {
  return (await authFetch('/api/auth/me')).json() as Promise<SignedIn>
}

export async function login(credentials: Credentials): Promise<SignedIn> {
  return (await post('/api/auth/login', credentials)).json() as Promise<SignedIn>
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
