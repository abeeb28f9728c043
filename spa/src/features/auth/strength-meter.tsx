import clsx from 'clsx'
import { useDeferredValue, useEffect, useState } from 'react'
import { assess, type Owner, type Strength } from './strength'

const FILLS = ['bg-danger', 'bg-danger', 'bg-warning', 'bg-success', 'bg-success'] as const
const BARS = [1, 2, 3, 4] as const

interface StrengthMeterProps extends Owner {
  password: string
  /** The field shows an error already. */
  quiet: boolean
}

/** Has its full height from the start, so that typing moves nothing. */
export function StrengthMeter({ password, email, name, quiet }: StrengthMeterProps) {
  const strength = useStrength(useDeferredValue(password), email, name)
  // The worst password still has one bar: an empty meter would look broken.
  const bars = strength ? Math.max(1, strength.score) : 0
  return (
    <>
      <div
        role="meter"
        aria-label="Password strength"
        aria-valuemin={0}
        aria-valuemax={4}
        aria-valuenow={strength?.score ?? 0}
        aria-valuetext={strength?.label ?? 'No password yet'}
        className="mt-3 grid grid-cols-4 gap-1"
      >
        {BARS.map((bar) => (
          <span
            key={bar}
            className={clsx(
              'h-1 rounded-full transition-colors',
              strength && bar <= bars ? FILLS[strength.score] : 'bg-line',
            )}
          />
        ))}
      </div>
      <p aria-live="polite" className="mt-2 min-h-10 text-sm text-muted">
        {strength ? (
          <>
            <span className="font-medium text-ink">{strength.label}.</span> {!quiet && strength.advice}
          </>
        ) : (
          'At least 8 characters. Several unrelated words make a good password.'
        )}
      </p>
    </>
  )
}

function useStrength(password: string, email: string, name: string): Strength | null {
  const [strength, setStrength] = useState<Strength | null>(null)
  useEffect(() => {
    let stale = false
    if (password) {
      void assess(password, { email, name }).then((result) => {
        if (!stale) setStrength(result)
      })
    }
    return () => {
      stale = true
    }
  }, [password, email, name])
  return password ? strength : null
}
