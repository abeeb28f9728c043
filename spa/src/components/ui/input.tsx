import clsx from 'clsx'
import type { ComponentProps } from 'react'

/** 16 px of text, or phones zoom in on focus. */
export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return (
    <input
      {...rest}
      className={clsx(
        'block h-10 w-full rounded-control border border-line-strong bg-surface px-3 text-base text-ink',
        'placeholder:text-faint hover:border-faint',
        'focus-visible:border-accent-ink focus-visible:outline-offset-0',
        'aria-invalid:border-danger',
        className,
      )}
    />
  )
}
