import { act, screen, waitFor } from '@testing-library/react'
import { http } from 'msw'
import { describe, expect, it } from 'vitest'
import { ada, anonymous, me } from '@/test/answers'
import { openStreams } from '@/test/event-source'
import { renderApp } from '@/test/render-app'
import { server } from '@/test/server'

describe('the end of a session', () => {
  it('leads to sign in, with the reason and what became of what was typed', async () => {
    server.use(http.get('/api/auth/me', () => me()))
    const { user, at } = renderApp('/dashboard')
    await user.click(await screen.findByRole('radio', { name: /Add a note/ }))
    await user.type(screen.getByLabelText('Text of the note'), 'Water the plants')
    await waitFor(() => expect(openStreams()).toHaveLength(1))
    act(() => openStreams()[0]?.say('revoked', 'account_disabled'))
    expect(await screen.findByText('Your account was disabled')).toBeVisible()
    expect(screen.getByText(/What you had typed and not sent was not kept/)).toBeVisible()
    expect(at()).toBe('/signin?next=%2Fdashboard')
    expect(screen.queryByText(ada.email)).toBeNull()
  })

  it('is announced with its time', async () => {
    server.use(http.get('/api/auth/me', () => me()))
    renderApp('/dashboard')
    await waitFor(() => expect(openStreams()).toHaveLength(1))
    expect(screen.queryByText(/This session ends/)).toBeNull()
    act(() => openStreams()[0]?.say('expiring', 'expired'))
    expect(await screen.findByText(/This session ends on 1 Apr 2099/)).toBeVisible()
  })
})

describe('a page that comes back from the browser’s cache', () => {
  it('shows no user data before /me has responded', async () => {
    server.use(http.get('/api/auth/me', () => me()))
    const { at } = renderApp('/dashboard')
    expect(await screen.findByText(ada.email)).toBeVisible()
    server.use(http.get('/api/auth/me', anonymous))
    const back = Object.assign(new Event('pageshow'), { persisted: true })
    act(() => void window.dispatchEvent(back))
    expect(screen.queryByText(ada.email)).toBeNull()
    expect(await screen.findByRole('heading', { name: 'Sign in' })).toBeVisible()
    expect(at()).toBe('/signin?next=%2Fdashboard')
  })
})
