import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import clsx from 'clsx'
import { Skeleton } from '@/components/ui/skeleton'

/** Rows of a list, and of what stands there before it: equally high. */
export function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul aria-label={label} className="-my-3 divide-y divide-line">
      {children}
    </ul>
  )
}

interface RowProps {
  icon: LucideIcon
  alarming?: boolean
  title: ReactNode
  /** Smaller, below the title. */
  children: ReactNode
  detailId?: string
  action?: ReactNode
}

export function Row({ icon: Icon, alarming = false, title, children, detailId, action }: RowProps) {
  return (
    <li className="flex min-h-17 items-center gap-3 py-3 sm:gap-4">
      <span
        className={clsx(
          'flex size-9 shrink-0 items-center justify-center self-start rounded-full border sm:self-center',
          alarming ? 'border-warning-line bg-warning-soft text-warning' : 'border-line bg-sunken text-muted',
        )}
      >
        <Icon aria-hidden="true" className="size-4" />
      </span>
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm font-medium">{title}</div>
        <p id={detailId} className="text-sm wrap-anywhere text-muted">
          {children}
        </p>
      </div>
      {action}
    </li>
  )
}

export function RowsSkeleton({ label, rows }: { label: string; rows: number }) {
  return (
    <div role="status" aria-label={label} className="-my-3 divide-y divide-line">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex h-17 items-center gap-3 sm:gap-4">
          <Skeleton className="size-9 shrink-0 rounded-full!" />
          <div className="flex-1 space-y-2">
            <Skeleton className="h-4 w-40 max-w-full" />
            <Skeleton className="h-4 w-56 max-w-full" />
          </div>
        </div>
      ))}
    </div>
  )
}
