import type { User } from '@/lib/api/auth-api'
import { authFetch } from '@/lib/api/auth-fetch'
import type { AuditPage, Device, Devices, PasswordChange, UserAnswer } from '@/lib/api/schema'

export type { AuditPage, Device } from '@/lib/api/schema'

export async function rename(name: string): Promise<User> {
  const { user } = (await (await send('PATCH', '/api/auth/me', { name })).json()) as UserAnswer
  return user
}

export async function changePassword(passwords: PasswordChange): Promise<void> {
  await send('PUT', '/api/auth/password', passwords)
}

export async function deleteAccount(password: string): Promise<void> {
  await send('DELETE', '/api/auth/me', { password })
}

export async function fetchDevices(): Promise<Device[]> {
  const { sessions } = (await (await authFetch('/api/auth/sessions')).json()) as Devices
  return sessions
}

export async function endDevice(id: string): Promise<void> {
  await authFetch(`/api/auth/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })
}

export async function endOtherDevices(): Promise<void> {
  await send('POST', '/api/auth/logout-all', { others: true })
}

export async function fetchActivity(cursor: string | null): Promise<AuditPage> {
  const query = cursor ? `?${new URLSearchParams({ cursor })}` : ''
  return (await authFetch(`/api/auth/activity${query}`)).json() as Promise<AuditPage>
}

function send(method: string, path: string, body: unknown): Promise<Response> {
  return authFetch(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
}
