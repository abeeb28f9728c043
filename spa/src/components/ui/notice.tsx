import clsx from 'clsx'
import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'

type Tone = 'info' | 'success' | 'warning' | 'danger'

const TONES = {
  info: { icon: Info, box: 'border-accent-line bg-accent-soft', mark: 'text-accent-ink' },
  success: { icon: CircleCheck, box: 'border-success-line bg-success-soft', mark: 'text-success' },
  warning: { icon: TriangleAlert, box: 'border-warning-line bg-warning-soft', mark: 'text-warning' },
  danger: { icon: CircleAlert, box: 'border-danger-line bg-danger-soft', mark: 'text-danger' },
} as const

interface NoticeProps {
  tone?: Tone
  title?: string
  className?: string
  children: ReactNode
}

/** Errors interrupt a screen reader; other notices wait for their turn. */
export function Notice({ tone = 'info', title, className, children }: NoticeProps) {
  const { icon: Icon, box, mark } = TONES[tone]
  return (
    <div
      role={tone === 'danger' ? 'alert' : 'status'}
      className={clsx('flex gap-3 rounded-control border px-4 py-3 text-sm', box, className)}
    >
      <Icon aria-hidden="true" className={clsx('mt-0.5 size-4 shrink-0', mark)} />
      <div className="min-w-0">
        {title && <p className="font-medium">{title}</p>}
        <div className={title ? 'text-muted' : undefined}>{children}</div>
      </div>
    </div>
  )
}
