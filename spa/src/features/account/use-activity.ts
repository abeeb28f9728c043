import { useCallback, useEffect, useRef, useState } from 'react'
import type { Loaded } from './use-devices'
import { fetchActivity, type AuditPage } from '@/lib/api/account-api'

export interface Activity {
  page: Loaded<AuditPage>
  /** Asks for the newest; pages that are open stay open. */
  reload: () => Promise<void>
  more: () => Promise<void>
  /** The next page is on its way, or what kept it. */
  loadingMore: boolean
  moreFailed: unknown
}

export function useActivity(): Activity {
  const [page, setPage] = useState<Loaded<AuditPage>>({ status: 'loading' })
  const [loadingMore, setLoadingMore] = useState(false)
  const [moreFailed, setMoreFailed] = useState<unknown>(null)
  const asked = useRef(0)

  const load = useCallback(async () => {
    const mine = ++asked.current
    let take: (now: Loaded<AuditPage>) => Loaded<AuditPage>
    try {
      const fresh = await fetchActivity(null)
      take = (now) => ({ status: 'ready', value: now.status === 'ready' ? onTop(fresh, now.value) : fresh })
    } catch (error) {
      // The events that are shown are still true.
      take = (now) => (now.status === 'ready' ? now : { status: 'failed', error })
    }
    if (mine === asked.current) setPage(take)
  }, [])

  useEffect(() => void load(), [load])

  const reload = () => {
    setPage((now) => (now.status === 'ready' ? now : { status: 'loading' }))
    return load()
  }

  const more = async () => {
    if (loadingMore || page.status !== 'ready' || !page.value.next) return
    setLoadingMore(true)
    setMoreFailed(null)
    try {
      const { events, next } = await fetchActivity(page.value.next)
      setPage((now) =>
        now.status === 'ready'
          ? { status: 'ready', value: { events: [...now.value.events, ...events], next } }
          : now,
      )
    } catch (error) {
      setMoreFailed(error)
    } finally {
      setLoadingMore(false)
    }
  }

  return { page, reload, more, loadingMore, moreFailed }
}

/** The newest page, followed by what is known already. With a gap between them the newest is all. */
function onTop(fresh: AuditPage, known: AuditPage): AuditPage {
  const ids = new Set(fresh.events.map((event) => event.id))
  const older = known.events.findLastIndex((event) => ids.has(event.id))
  if (older < 0) return fresh
  return { events: [...fresh.events, ...known.events.slice(older + 1)], next: known.next }
}
