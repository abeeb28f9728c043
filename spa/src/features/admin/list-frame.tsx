import clsx from 'clsx'
import type { ReactNode } from 'react'
import type { Pages } from './use-pages'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { Skeleton } from '@/components/ui/skeleton'
import { sayProblem } from '@/lib/api/problem-words'

interface ListFrameProps {
  label: string
  pages: Pages<unknown> & { more: () => void }
  /** The height of a row, for as long as there are none. */
  skeleton: string
  /** The text of an empty list. */
  empty: string
  /** A ListRow for each. */
  children: ReactNode
}

const PLACES = [1, 2, 3, 4]

/** The states of a list: on its way, empty, failed, there, with more to come. */
export function ListFrame({ label, pages, skeleton, empty, children }: ListFrameProps) {
  const { items, next, busy, error, more } = pages
  const words = error === null ? null : sayProblem(error)
  return (
    <>
      <div className="overflow-hidden rounded-card border border-line bg-surface shadow-card">
        {items === null &&
          (words ? (
            <p className="px-6 py-16 text-center text-muted">The list is not here yet.</p>
          ) : (
            <div
              aria-busy="true"
              aria-label={`${label}, loading`}
              className="divide-y divide-line"
              role="group"
            >
              {PLACES.map((place) => (
                <div key={place} className={clsx('px-4 py-4 sm:px-6', skeleton)}>
                  <Skeleton className="h-6 w-48 max-w-full" />
                  <Skeleton className="mt-2 h-5 w-64 max-w-full" />
                </div>
              ))}
            </div>
          ))}
        {items?.length === 0 && (
          <p className="px-6 py-16 text-center text-muted">
            {next === null ? empty : 'Nothing found so far, and there is more to look through.'}
          </p>
        )}
        {items !== null && items.length > 0 && (
          <ul aria-label={label} aria-busy={busy} className="divide-y divide-line">
            {children}
          </ul>
        )}
      </div>
      {words && (
        <Notice tone="danger" title={words.title} className="mt-4">
          {words.text}
        </Notice>
      )}
      {(words || (items !== null && next !== null)) && (
        <div className="mt-4 flex justify-center">
          <Button look="secondary" busy={busy} onClick={more}>
            {words ? 'Try again' : busy ? 'Loading…' : items?.length === 0 ? 'Keep looking' : 'Show more'}
          </Button>
        </div>
      )}
    </>
  )
}

export function ListRow({ children }: { children: ReactNode }) {
  return <li className="px-4 py-4 sm:px-6">{children}</li>
}

/** How much there is, for the eye and the ear. */
export function countWords(pages: Pages<unknown>, one: string, many: string): string {
  if (pages.items === null) return pages.busy ? 'Loading…' : ''
  const { length } = pages.items
  if (length === 0) return pages.next === null ? `No ${many}` : `No ${many} so far`
  return `${length} ${length === 1 ? one : many}${pages.next === null ? '' : ', and there are more'}`
}
