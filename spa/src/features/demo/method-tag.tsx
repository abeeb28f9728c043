import clsx from 'clsx'

export function MethodTag({ method }: { method: 'GET' | 'POST' }) {
  return (
    <span
      className={clsx(
        'w-9 font-mono text-xs font-semibold',
        method === 'GET' ? 'text-success' : 'text-accent-ink',
      )}
    >
      {method}
    </span>
  )
}
