import clsx from 'clsx'

/** Holds the place of something until it is there: give it the final size. */
export function Skeleton({ className }: { className: string }) {
  return <div aria-hidden="true" className={clsx('skeleton', className)} />
}
