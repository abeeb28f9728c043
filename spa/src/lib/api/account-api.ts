import type { User } from '@/lib/api/auth-api'
import { authFetch } from '@/lib/api/auth-fetch'

/** A session as its owner recognises it. */
export interface Device {
  id: string
  /** The one that asks. */
  current: boolean
  createdAt: string
  lastSeenAt: string
  ip: string
  userAgent: string
  remember: boolean
}

export interface ActivityEvent {
  id: string
  type: string
  /** Empty when nobody is known to have done it. */
  actorId: string
  detail: string
  /** This and the user agent are empty where somebody else has acted. */
  ip: string
  userAgent: string
  at: string
}

export interface ActivityPage {
  events: ActivityEvent[]
  /** The cursor of the next page; null after the last. */
  next: string | null
}

export async function rename(name: string): Promise<User> {
  const { user } = (await (await send('PATCH', '/api/auth/me', { name })).json()) as { user: User }
  return user
}

export async function changePassword(passwords: {
  currentPassword: string
  newPassword: string
}): Promise<void> {
  await send('PUT', '/api/auth/password', passwords)
}

export async function deleteAccount(password: string): Promise<void> {
  await send('DELETE', '/api/auth/me', { password })
}

export async function fetchDevices(): Promise<Device[]> {
  const { sessions } = (await (await authFetch('/api/auth/sessions')).json()) as { sessions: Device[] }
  return sessions
}

export async function endDevice(id: string): Promise<void> {
  await authFetch(`/api/auth/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })
}

export async function endOtherDevices(): Promise<void> {
  await send('POST', '/api/auth/logout-all', { others: true })
}

export async function fetchActivity(cursor: string | null): Promise<ActivityPage> {
  const query = cursor ? `?${new URLSearchParams({ cursor })}` : ''
  return (await authFetch(`/api/auth/activity${query}`)).json() as Promise<ActivityPage>
}

function send(method: string, path: string, body: unknown): Promise<Response> {
  return authFetch(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
}
