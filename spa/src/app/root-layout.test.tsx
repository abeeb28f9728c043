import { act, screen, waitFor } from '@testing-library/react'
import { http } from 'msw'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { anonymous } from '@/test/answers'
import { renderApp } from '@/test/render-app'
import { server } from '@/test/server'

beforeEach(() => server.use(http.get('/api/auth/me', anonymous)))
afterEach(() => {
  delete document.documentElement.dataset.theme
  localStorage.clear()
})

it('remembers a theme, and forgets it for the system’s', async () => {
  const { user } = renderApp('/')
  expect(await screen.findByRole('radio', { name: 'Follow the system' })).toBeChecked()
  await user.click(screen.getByRole('radio', { name: 'Dark' }))
  expect(document.documentElement.dataset.theme).toBe('dark')
  expect(localStorage.getItem('theme')).toBe('dark')
  await user.click(screen.getByRole('radio', { name: 'Follow the system' }))
  expect(document.documentElement.dataset.theme).toBeUndefined()
  expect(localStorage.getItem('theme')).toBeNull()
})

it('starts with the theme that was set before the first paint', async () => {
  document.documentElement.dataset.theme = 'light'
  renderApp('/')
  expect(await screen.findByRole('radio', { name: 'Light' })).toBeChecked()
})

it('says when the browser is offline, and only then', async () => {
  renderApp('/')
  await screen.findByRole('link', { name: 'Sign in' })
  expect(screen.queryByText(/You are offline/)).toBeNull()
  const online = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false)
  act(() => void window.dispatchEvent(new Event('offline')))
  expect(screen.getByText(/You are offline/)).toBeVisible()
  online.mockReturnValue(true)
  act(() => void window.dispatchEvent(new Event('online')))
  expect(screen.queryByText(/You are offline/)).toBeNull()
})

it('moves the focus to a new page', async () => {
  const { user } = renderApp('/nowhere')
  await user.click(await screen.findByRole('link', { name: 'Go to the start page' }))
  await screen.findByRole('heading', { name: /Tokens stay out/ })
  expect(screen.getByRole('main')).toHaveFocus()
})

describe('a new page', () => {
  const follow = async (left: number) => {
    const scroll = vi.spyOn(window, 'scrollTo').mockImplementation(() => {})
    const app = renderApp('/nowhere')
    const link = await screen.findByRole('link', { name: 'Go to the start page' })
    await waitFor(() => expect(history.scrollRestoration).toBe('manual'))
    vi.spyOn(window, 'scrollY', 'get').mockReturnValue(left)
    window.dispatchEvent(new Event('scroll'))
    await app.user.click(link)
    await screen.findByRole('heading', { name: /Tokens stay out/ })
    // The heading is there a moment before the page is moved.
    await waitFor(() => expect(scroll).toHaveBeenCalled())
    return { ...app, scroll }
  }

  it('starts at its top', async () => {
    const { scroll } = await follow(700)
    expect(scroll.mock.calls).toEqual([[0, 0]])
  })

  it('is where it was left, when one goes back', async () => {
    const { router, scroll } = await follow(700)
    scroll.mockClear()
    await act(() => router.navigate(-1))
    expect(await screen.findByRole('heading', { name: 'Page not found' })).toBeVisible()
    expect(scroll.mock.calls).toEqual([[0, 700]])
  })

  it('is left where it is by a change of its address alone', async () => {
    const { router, scroll } = await follow(700)
    scroll.mockClear()
    await act(() => router.navigate('/?q=a'))
    expect(scroll).not.toHaveBeenCalled()
  })

  it('is the browser’s to restore after a reload', async () => {
    await follow(0)
    window.dispatchEvent(new Event('pagehide'))
    expect(history.scrollRestoration).toBe('auto')
  })
})
