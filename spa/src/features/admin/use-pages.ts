import { useEffect, useRef, useState } from 'react'
import type { Page } from './admin-api'
import { ProblemError } from '@/lib/api/auth-fetch'
import { useAuth } from '@/lib/session/use-auth'

type Load<T> = (cursor: string | null, signal: AbortSignal) => Promise<Page<T>>

export interface Pages<T> {
  /** Null before the first page is there. */
  items: T[] | null
  next: string | null
  busy: boolean
  /** Why the last request for a page failed. */
  error: unknown
}

interface State<T> extends Pages<T> {
  /** Whose answer this is. */
  of: Load<T> | null
}

/** A list that comes in pages. Another `load` starts it anew; the old rows stay until the new ones are there. */
export function usePages<T extends { id: string }>(load: Load<T>) {
  const [{ of, ...pages }, setPages] = useState<State<T>>({
    of: null,
    items: null,
    next: null,
    busy: true,
    error: null,
  })
  const running = useRef<AbortController>(null)
  const { refresh } = useAuth()

  useEffect(() => {
    const controller = new AbortController()
    running.current = controller
    void answer(load, null, controller.signal).then((apply) => apply && setPages(apply))
    return () => running.current?.abort()
  }, [load])

  const { error } = pages
  useEffect(() => {
    // No administrator any more: /me says so to the whole app.
    if (error instanceof ProblemError && error.status === 403) refresh().catch(() => {})
  }, [error, refresh])

  return {
    ...pages,
    ...(of !== load && { busy: true, error: null }),
    /** Requests the next page, or again the one that failed. */
    more() {
      const controller = new AbortController()
      running.current?.abort()
      running.current = controller
      setPages((now) => ({ ...now, busy: true, error: null }))
      const cursor = pages.items ? pages.next : null
      void answer(load, cursor, controller.signal).then((apply) => apply && setPages(apply))
    },
    replace(item: T) {
      const replaced = (items: T[] | null) => items && items.map((old) => (old.id === item.id ? item : old))
      setPages((now) => ({ ...now, items: replaced(now.items) }))
    },
  }
}

/** The list with a page added; null when the list has been loaded anew meanwhile. */
async function answer<T>(
  load: Load<T>,
  cursor: string | null,
  signal: AbortSignal,
): Promise<((now: State<T>) => State<T>) | null> {
  // The rows of an earlier search do not belong to this one.
  const before = (now: State<T>) => (cursor === null ? null : now.items)
  try {
    const { items, next } = await load(cursor, signal)
    if (signal.aborted) return null
    return (now) => ({
      of: load,
      items: [...(before(now) ?? []), ...items],
      next,
      busy: false,
      error: null,
    })
  } catch (error) {
    if (signal.aborted) return null
    return (now) => ({ of: load, items: before(now), next: now.next, busy: false, error })
  }
}
