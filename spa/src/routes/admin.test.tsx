import { act, screen, waitFor, within } from '@testing-library/react'
import { http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ada, problem, session } from '@/test/answers'
import { openStreams } from '@/test/event-source'
import { renderApp } from '@/test/render-app'
import { server } from '@/test/server'

const root = { ...ada, id: '1', name: 'Root', email: 'root@example.com', role: 'admin' as const }
const grace = { ...ada, id: '7', name: 'Grace Hopper', email: 'grace@example.com' }
const account = (user: typeof ada, fields = {}) => ({ ...user, active: true, ...fields })

const answerMe = (user: typeof ada) =>
  server.use(http.get('/api/auth/me', () => HttpResponse.json({ user, session: session() })))

/** The server's accounts, and what was asked of them. */
function answerUsers(users: object[] = [account(root), account(grace)]) {
  const asked: string[] = []
  server.use(
    http.get('/api/admin/users', ({ request }) => {
      asked.push(new URL(request.url).search)
      return HttpResponse.json({ users, next: null })
    }),
  )
  return asked
}

async function rowOf(name: string) {
  const list = within(await screen.findByRole('list', { name: 'Accounts' }))
  const row = list.getAllByRole('listitem').find((item) => within(item).queryByRole('heading', { name }))
  if (!row) throw new Error(`there is no row of ${name}`)
  return within(row)
}

const button = (row: ReturnType<typeof within>, name: RegExp) => row.getByRole('button', { name })
const dialog = async () => within(await screen.findByRole('dialog'))

beforeEach(() => answerMe(root))

describe('who is no administrator', () => {
  it.each(['/admin/users', '/admin/audit'])('is told so at %s, and nothing is asked', async (page) => {
    answerMe(ada)
    renderApp(page)
    expect(await screen.findByRole('heading', { name: 'This page is for administrators' })).toBeVisible()
    expect(screen.queryByRole('link', { name: 'Users' })).toBeNull()
  })

  it('gets there and out again as the role changes, without a reload', async () => {
    answerMe(ada)
    answerUsers()
    renderApp('/admin/users')
    await screen.findByRole('heading', { name: 'This page is for administrators' })
    await waitFor(() => expect(openStreams()).toHaveLength(1))
    answerMe({ ...ada, role: 'admin' })
    act(() => openStreams()[0]?.say('role_changed', 'role_changed'))
    expect(await screen.findByRole('heading', { name: 'Users' })).toBeVisible()
    expect(await screen.findByRole('link', { name: 'Audit' })).toBeVisible()
    await rowOf('Grace Hopper')
    answerMe(ada)
    act(() => openStreams()[0]?.say('role_changed', 'role_changed'))
    expect(await screen.findByRole('heading', { name: 'This page is for administrators' })).toBeVisible()
    expect(screen.queryByText('grace@example.com')).toBeNull()
    expect(screen.queryByRole('link', { name: 'Audit' })).toBeNull()
  })

  it('finds out by a refusal, too', async () => {
    server.use(
      http.get('/api/admin/users', () => {
        answerMe({ ...root, role: 'user' } as unknown as typeof ada)
        return problem(403, 'forbidden')
      }),
    )
    renderApp('/admin/users')
    expect(await screen.findByRole('heading', { name: 'This page is for administrators' })).toBeVisible()
  })
})

describe('the list of users', () => {
  it('searches after a pause, by the address', async () => {
    const asked = answerUsers()
    const { user, at } = renderApp('/admin/users')
    await rowOf('Grace Hopper')
    await user.type(screen.getByRole('searchbox', { name: /Search/ }), 'grace')
    await waitFor(() => expect(at()).toBe('/admin/users?q=grace'))
    await waitFor(() => expect(asked).toEqual(['', '?q=grace']))
  })

  it('starts with the search in the address, and says when nobody is found', async () => {
    const asked = answerUsers([])
    renderApp('/admin/users?q=nobody')
    expect(await screen.findByText(/Nobody’s name or email has “nobody” in it/)).toBeVisible()
    expect(screen.getByRole('searchbox')).toHaveValue('nobody')
    expect(asked).toEqual(['?q=nobody'])
  })

  it('shows more, and keeps what is there when more does not come', async () => {
    let fails = true
    server.use(
      http.get('/api/admin/users', ({ request }) => {
        if (new URL(request.url).searchParams.get('cursor') !== 'c1')
          return HttpResponse.json({ users: [account(root)], next: 'c1' })
        if (fails) return problem(503, 'database_unavailable')
        return HttpResponse.json({ users: [account(grace)], next: null })
      }),
    )
    const { user } = renderApp('/admin/users')
    expect(await screen.findByText('1 account, and there are more')).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Show more' }))
    expect(await screen.findByText('The service is unavailable')).toBeVisible()
    await rowOf('Root You')
    fails = false
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    await rowOf('Grace Hopper')
    await rowOf('Root You')
    expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull()
  })

  it('goes on with a search that has found nothing yet', async () => {
    server.use(
      http.get('/api/admin/users', ({ request }) => {
        const cursor = new URL(request.url).searchParams.get('cursor')
        if (cursor === 'c2') return HttpResponse.json({ users: [account(grace)], next: null })
        return HttpResponse.json({ users: [], next: cursor === 'c1' ? 'c2' : 'c1' })
      }),
    )
    const { user } = renderApp('/admin/users?q=hopper')
    expect(await screen.findByText('Nothing found so far, and there is more to look through.')).toBeVisible()
    expect(screen.getByText('No accounts so far')).toBeVisible()
    expect(screen.queryByText(/Nobody’s name or email/)).toBeNull()
    await user.click(screen.getByRole('button', { name: 'Keep looking' }))
    await user.click(await screen.findByRole('button', { name: 'Keep looking' }))
    await rowOf('Grace Hopper')
    expect(screen.queryByRole('button', { name: 'Keep looking' })).toBeNull()
  })

  it('that does not come can be asked for again', async () => {
    server.use(http.get('/api/admin/users', () => problem(503, 'database_unavailable')))
    const { user } = renderApp('/admin/users')
    const again = await screen.findByRole('button', { name: 'Try again' })
    answerUsers()
    await user.click(again)
    await rowOf('Grace Hopper')
  })
})

describe('a change', () => {
  const patched: unknown[] = []
  beforeEach(() => {
    patched.length = 0
    answerUsers()
    server.use(
      http.patch('/api/admin/users/7', async ({ request }) => {
        const change = (await request.json()) as object
        patched.push(change)
        return HttpResponse.json({ user: account(grace, change) })
      }),
    )
  })

  it('of the role is made after a yes, and shown in its place', async () => {
    const { user } = renderApp('/admin/users')
    await user.click(button(await rowOf('Grace Hopper'), /^Make admin/))
    const box = await dialog()
    expect(box.getByText(/stay signed in, and have the new role at once/)).toBeVisible()
    expect(patched).toEqual([])
    await user.click(box.getByRole('button', { name: 'Make administrator' }))
    expect(await screen.findByText('Grace Hopper is an administrator now.')).toBeVisible()
    expect(screen.queryByRole('dialog')).toBeNull()
    expect(patched).toEqual([{ role: 'admin' }])
    expect(button(await rowOf('Grace Hopper'), /^Make user/)).toBeVisible()
  })

  it('is not made after a no', async () => {
    const { user } = renderApp('/admin/users')
    await user.click(button(await rowOf('Grace Hopper'), /^Disable/))
    const box = await dialog()
    expect(box.getByText(/sessions end at once/)).toBeVisible()
    expect(box.queryByText('This is your own account')).toBeNull()
    await user.click(box.getByRole('button', { name: 'Cancel' }))
    expect(screen.queryByRole('dialog')).toBeNull()
    expect(patched).toEqual([])
  })

  it('of the status', async () => {
    const { user } = renderApp('/admin/users')
    await user.click(button(await rowOf('Grace Hopper'), /^Disable/))
    await user.click((await dialog()).getByRole('button', { name: 'Disable' }))
    expect(await screen.findByText('Grace Hopper is disabled and signed out everywhere.')).toBeVisible()
    const row = await rowOf('Grace Hopper')
    expect(row.getByText('disabled')).toBeVisible()
    await user.click(button(row, /^Enable/))
    await user.click((await dialog()).getByRole('button', { name: 'Enable' }))
    await screen.findByText('Grace Hopper can sign in again.')
    expect(patched).toEqual([{ active: false }, { active: true }])
  })

  it('ends somebody’s sessions', async () => {
    const ended = vi.fn()
    server.use(
      http.delete('/api/admin/users/7/sessions', () => {
        ended()
        return new HttpResponse(null, { status: 204 })
      }),
    )
    const { user } = renderApp('/admin/users')
    await user.click(button(await rowOf('Grace Hopper'), /^Sign out everywhere/))
    await user.click((await dialog()).getByRole('button', { name: 'Sign out everywhere' }))
    expect(await screen.findByText('Grace Hopper is signed out everywhere.')).toBeVisible()
    expect(ended).toHaveBeenCalledOnce()
  })

  it('of oneself warns, and the last administrator stays one', async () => {
    server.use(http.patch('/api/admin/users/1', () => problem(409, 'last_admin')))
    const { user } = renderApp('/admin/users')
    const row = await rowOf('Root You')
    expect(row.getByText('You')).toBeVisible()
    await user.click(button(row, /^Make user/))
    const box = await dialog()
    expect(box.getByText('This is your own account')).toBeVisible()
    await user.click(box.getByRole('button', { name: 'Make user' }))
    expect(await box.findByText('This is the last active administrator')).toBeVisible()
    await user.click(box.getByRole('button', { name: 'Cancel' }))
    expect((await rowOf('Root You')).getByText('admin')).toBeVisible()
  })

  it('of one’s own role closes these pages', async () => {
    server.use(
      http.patch('/api/admin/users/1', () => {
        answerMe({ ...root, role: 'user' } as unknown as typeof ada)
        return HttpResponse.json({ user: account(root as typeof ada, { role: 'user' }) })
      }),
    )
    const { user } = renderApp('/admin/users')
    await user.click(button(await rowOf('Root You'), /^Make user/))
    await user.click((await dialog()).getByRole('button', { name: 'Make user' }))
    expect(await screen.findByRole('heading', { name: 'This page is for administrators' })).toBeVisible()
  })
})
