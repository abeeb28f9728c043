import { CircleAlert } from 'lucide-react'
import { useId, type ReactNode } from 'react'

/** The attributes that tie label, hint and error to a control. */
interface FieldControl {
  id: string
  'aria-invalid': true | undefined
  'aria-describedby': string | undefined
}

interface FieldProps {
  label: string
  /** Beside the label, at the end of the line. */
  aside?: ReactNode
  hint?: ReactNode
  error?: string | undefined
  children: (control: FieldControl) => ReactNode
}

export function Field({ label, aside, hint, error, children }: FieldProps) {
  const id = useId()
  const hintId = `${id}-hint`
  const errorId = `${id}-error`
  const control: FieldControl = {
    id,
    'aria-invalid': error ? true : undefined,
    'aria-describedby': [error && errorId, hint && hintId].filter(Boolean).join(' ') || undefined,
  }
  return (
    <div>
      <div className="mb-2 flex min-h-5 items-center justify-between gap-4 text-sm">
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {aside}
      </div>
      {children(control)}
      {error && (
        <p id={errorId} className="mt-2 flex gap-2 text-sm text-danger">
          <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          <span>{error}</span>
        </p>
      )}
      {hint && (
        <div id={hintId} className="mt-2 text-sm text-muted">
          {hint}
        </div>
      )}
    </div>
  )
}
