import clsx from 'clsx'

/** The gate: two towers and an arch. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={clsx('shrink-0', className)}>
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <path d="M7 25V9h3v2h2.5V9h7v2H22V9h3v16h-5v-5.5a4 4 0 0 0-8 0V25z" className="fill-on-accent" />
    </svg>
  )
}
