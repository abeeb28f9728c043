import clsx from 'clsx'
import type { ReactNode } from 'react'
import { LoadFailure } from './load-failure'
import { RowsSkeleton } from './row'
import type { Loaded } from './use-devices'
import { useKeptFocus } from './use-kept-focus'
import { Card } from '@/components/ui/card'
import { TextLink } from '@/components/ui/text-link'

/** As many as a recent card shows. */
export const RECENT = 3

interface RecentCardProps<T> {
  title: string
  /** The name of the loading content, for screen readers. */
  loading: string
  list: Loaded<T[]>
  onRetry: () => void
  /** Said when there is nothing. */
  empty: string
  /** Where all of it is. */
  all: { to: string; words: (list: Loaded<T[]>) => string }
  /** The newest, never more than RECENT. */
  children: (newest: T[]) => ReactNode
}

/** The newest of a longer list, as high with one row as with all three, so that nothing below ever moves. */
export function RecentCard<T>(props: RecentCardProps<T>) {
  const { title, loading, list, onRetry, empty, all, children } = props
  const kept = useKeptFocus()
  return (
    <Card title={title}>
      <div {...kept} className={clsx(kept.className, 'flex h-full flex-col')}>
        <div className="min-h-51 flex-1">
          {list.status === 'loading' && <RowsSkeleton label={loading} rows={RECENT} />}
          {list.status === 'failed' && <LoadFailure error={list.error} onRetry={onRetry} />}
          {list.status === 'ready' &&
            (list.value.length > 0 ? (
              children(list.value.slice(0, RECENT))
            ) : (
              <p className="text-sm text-muted">{empty}</p>
            ))}
        </div>
        <p className="mt-4 text-sm">
          <TextLink to={all.to}>{all.words(list)}</TextLink>
        </p>
      </div>
    </Card>
  )
}
