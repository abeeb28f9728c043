import { authFetch } from '@/lib/api/auth-fetch'
import type {
  Account,
  AccountAnswer,
  AccountChange,
  AccountPage,
  AuditEvent,
  AuditPage,
} from '@/lib/api/schema'

export type { Account, AuditEvent } from '@/lib/api/schema'

export interface Page<T> {
  items: T[]
  /** The cursor of the next page; null after the last. */
  next: string | null
}

export async function listAccounts(
  q: string,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Page<Account>> {
  const { users, next } = await get<AccountPage>('/api/admin/users', { q, cursor }, signal)
  return { items: users, next }
}

export async function listEvents(
  filter: { user: string; type: string },
  cursor: string | null,
  signal: AbortSignal,
): Promise<Page<AuditEvent>> {
  const { events, next } = await get<AuditPage>('/api/admin/audit', { ...filter, cursor }, signal)
  return { items: events, next }
}

export async function changeAccount(id: string, change: AccountChange): Promise<Account> {
  const response = await authFetch(account(id), {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(change),
  })
  return ((await response.json()) as AccountAnswer).user
}

export async function endSessions(id: string): Promise<void> {
  await authFetch(`${account(id)}/sessions`, { method: 'DELETE' })
}

function account(id: string): string {
  return `/api/admin/users/${encodeURIComponent(id)}`
}

async function get<T>(path: string, query: Record<string, string | null>, signal: AbortSignal): Promise<T> {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]))
  const search = new URLSearchParams(given).toString()
  return (await authFetch(search ? `${path}?${search}` : path, { signal })).json() as Promise<T>
}
