import { act, screen, waitFor, within } from '@testing-library/react'
import { http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import { ada, session } from '@/test/answers'
import { renderApp } from '@/test/render-app'
import { server } from '@/test/server'

describe('the audit trail', () => {
  const event = (fields: object) => ({
    id: 'e1',
    type: 'role_changed',
    at: '2026-11-21T12:00:00Z',
    userId: '7',
    actorId: '1',
    sessionId: '',
    detail: 'user to admin',
    ip: '192.0.2.7',
    userAgent: 'Firefox',
    requestId: 'req-1',
    ...fields,
  })
  let asked: string[]
  beforeEach(() => {
    asked = []
    server.use(
      http.get('/api/auth/me', () =>
        HttpResponse.json({ user: { ...ada, role: 'admin' }, session: session() }),
      ),
      http.get('/api/admin/audit', ({ request }) => {
        asked.push(new URL(request.url).search)
        const events = [
          event({}),
          event({ id: 'e2', type: 'login_failed', userId: '', actorId: '', detail: '' }),
        ]
        return HttpResponse.json({ events, next: null })
      }),
    )
  })

  it('says what happened in words', async () => {
    renderApp('/admin/audit')
    const list = within(await screen.findByRole('list', { name: 'Events' }))
    for (const words of ['Role changed', 'Sign-in refused']) {
      expect(list.getByRole('heading', { name: words })).toBeVisible()
    }
    expect(list.getByText(/No known account/)).toBeVisible()
    expect(screen.getByText('2 events')).toBeVisible()
  })

  it('is filtered by type and account, in the address', async () => {
    const { user, at } = renderApp('/admin/audit?type=logout')
    const list = within(await screen.findByRole('list', { name: 'Events' }))
    expect(screen.getByRole('combobox', { name: 'What happened' })).toHaveValue('logout')
    await user.selectOptions(screen.getByRole('combobox'), 'Role changed')
    await waitFor(() => expect(at()).toBe('/admin/audit?type=role_changed'))
    await user.click(list.getByRole('button', { name: 'Account 7' }))
    await waitFor(() => expect(at()).toBe('/admin/audit?type=role_changed&user=7'))
    expect(screen.getByRole('searchbox')).toHaveValue('7')
    await user.click(screen.getByRole('button', { name: 'Clear the filters' }))
    await waitFor(() => expect(at()).toBe('/admin/audit'))
    await waitFor(() => expect(screen.getByRole('searchbox')).toHaveValue(''))
    await waitFor(() =>
      expect(asked).toEqual(['?type=logout', '?type=role_changed', '?user=7&type=role_changed', '']),
    )
  })

  it('is filtered as before when one comes back to it', async () => {
    const { user, at, router } = renderApp('/admin/audit')
    await user.click(await screen.findByRole('button', { name: 'Account 7' }))
    await waitFor(() => expect(at()).toBe('/admin/audit?user=7'))
    await act(() => router.navigate('/admin/audit'))
    await waitFor(() => expect(screen.getByRole('searchbox')).toHaveValue(''))
    await act(() => router.navigate(-1))
    await waitFor(() => expect(screen.getByRole('searchbox')).toHaveValue('7'))
    expect(at()).toBe('/admin/audit?user=7')
  })
})
