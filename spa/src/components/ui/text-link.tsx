import clsx from 'clsx'
import type { ComponentProps } from 'react'
import { Link } from 'react-router'

export function TextLink({ className, ...rest }: ComponentProps<typeof Link>) {
  return (
    <Link
      {...rest}
      className={clsx(
        'rounded-sm font-medium text-accent-ink underline decoration-accent-line decoration-1 underline-offset-4',
        'hover:decoration-accent-ink',
        className,
      )}
    />
  )
}
