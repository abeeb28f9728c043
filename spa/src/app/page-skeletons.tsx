import { useLocation } from 'react-router'
import { Skeleton } from '@/components/ui/skeleton'

/** In place of pages that are on their way, each with the sizes of what comes. */

export function FormSkeleton() {
  return (
    <div className="mx-auto w-full max-w-[28rem] px-4 py-10 sm:py-20">
      <div className="sm:rounded-card sm:border sm:border-line sm:bg-surface sm:p-10 sm:shadow-card">
        <Skeleton className="h-8 w-32" />
        <Skeleton className="mt-2 h-6 w-40" />
        <Skeleton className="mt-8 h-17" />
        <Skeleton className="mt-5 h-17" />
        <Skeleton className="mt-5 h-6 w-64" />
        <Skeleton className="mt-5 h-10" />
      </div>
    </div>
  )
}

/** For whichever members' page is on its way. */
export function MembersSkeleton() {
  const { pathname } = useLocation()
  const [, page = ''] = pathname.split('/')
  return <PageSkeleton cards={CARDS[page] ?? []} />
}

const CARDS: Record<string, readonly string[]> = {
  dashboard: ['h-85 md:h-83', 'h-99 md:h-83', 'h-212 md:h-111'],
  account: ['h-94', 'h-99 md:h-94', 'h-84 md:h-58'],
  admin: ['h-10', 'h-120'],
}

/** Beside each other where there is space, the last one across. */
function PageSkeleton({ cards }: { cards: readonly string[] }) {
  return (
    <div className="mx-auto w-full max-w-5xl px-4 py-10 sm:px-6">
      <Skeleton className="h-8 w-48" />
      <Skeleton className="mt-2 h-12 sm:h-6 sm:w-96" />
      <div className="mt-8 grid gap-6 *:rounded-card *:last:col-span-full md:grid-cols-2">
        {cards.map((size) => (
          <Skeleton key={size} className={size} />
        ))}
      </div>
    </div>
  )
}
