import clsx from 'clsx'
import { useId, type ReactNode } from 'react'

interface CardProps {
  /** For links to it. */
  anchor?: string
  title: string
  description?: string
  className?: string
  children: ReactNode
}

/** A named region of a page. */
export function Card({ anchor, title, description, className, children }: CardProps) {
  const id = useId()
  return (
    <section
      id={anchor}
      aria-labelledby={id}
      className={clsx(
        'flex scroll-mt-6 flex-col rounded-card border border-line bg-surface shadow-card',
        className,
      )}
    >
      <header className="px-6 pt-6">
        <h2 id={id} className="text-base">
          {title}
        </h2>
        {description && <p className="mt-1 text-sm text-muted">{description}</p>}
      </header>
      <div className="flex-1 p-6">{children}</div>
    </section>
  )
}
