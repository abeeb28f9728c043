import clsx from 'clsx'
import type { ComponentProps } from 'react'

/** 16 px of text, or phones zoom in on focus. */
export function Select({ className, ...rest }: ComponentProps<'select'>) {
  return (
    <select
      {...rest}
      className={clsx(
        'block h-10 w-full rounded-control border border-line-strong bg-surface px-3 text-base text-ink',
        'hover:border-faint focus-visible:border-accent-ink focus-visible:outline-offset-0',
        className,
      )}
    />
  )
}
