import { CircleCheck } from 'lucide-react'
import type { ReactNode } from 'react'

/** Confirms an action. Always in the page, so that a screen reader announces its text. */
export function Done({ children }: { children: ReactNode }) {
  return (
    <div role="status" className="min-w-0 text-sm">
      {children && (
        <p className="flex gap-2">
          <CircleCheck aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-success" />
          <span>{children}</span>
        </p>
      )}
    </div>
  )
}
