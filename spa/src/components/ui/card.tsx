import clsx from 'clsx'
import { useId, type ReactNode } from 'react'

interface CardProps {
  title: string
  description?: string
  className?: string
  children: ReactNode
}

/** A named region of a page. */
export function Card({ title, description, className, children }: CardProps) {
  const id = useId()
  return (
    <section
      aria-labelledby={id}
      className={clsx('rounded-card border border-line bg-surface shadow-card', className)}
    >
      <header className="px-6 pt-6">
        <h2 id={id} className="text-base">
          {title}
        </h2>
        {description && <p className="mt-1 text-sm text-muted">{description}</p>}
      </header>
      <div className="p-6">{children}</div>
    </section>
  )
}
