import { screen } from '@testing-library/react'
import { http } from 'msw'
import { expect, it } from 'vitest'
import { anonymous, me, problem } from '@/test/answers'
import { renderApp } from '@/test/render-app'
import { server } from '@/test/server'

it('offers a stranger to sign up or in', async () => {
  server.use(http.get('/api/auth/me', anonymous))
  renderApp('/')
  expect(await screen.findByRole('link', { name: 'Create account' })).toHaveAttribute('href', '/signup')
  expect(screen.getByRole('link', { name: 'Sign in' })).toHaveAttribute('href', '/signin')
  expect(screen.queryByRole('link', { name: 'Open dashboard' })).toBeNull()
  expect(screen.getAllByRole('img', { name: /HttpOnly cookie to Gatehouse/ })[0]).toBeInTheDocument()
})

it('offers a member the dashboard', async () => {
  server.use(http.get('/api/auth/me', () => me()))
  renderApp('/')
  expect(await screen.findByRole('link', { name: 'Open dashboard' })).toHaveAttribute('href', '/dashboard')
  expect(screen.queryByRole('link', { name: 'Create account' })).toBeNull()
})

it('opens even when nobody can say who is there', async () => {
  server.use(http.get('/api/auth/me', () => problem(503, 'session_store_unavailable')))
  renderApp('/')
  expect(await screen.findByRole('link', { name: 'Sign in' })).toBeVisible()
})

it('an unknown address is a page that says so', async () => {
  server.use(http.get('/api/auth/me', anonymous))
  const { user, at } = renderApp('/no/such/page')
  expect(await screen.findByRole('heading', { name: 'Page not found' })).toBeVisible()
  expect(document.title).toBe('Page not found · Gatehouse')
  await user.click(screen.getByRole('link', { name: 'Go to the start page' }))
  expect(await screen.findByRole('heading', { name: /Tokens stay out/ })).toBeVisible()
  expect(at()).toBe('/')
})
