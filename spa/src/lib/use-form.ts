import { useRef, useState, type ChangeEvent, type SubmitEvent } from 'react'
import { safeParseAsync, type ZodMiniType } from 'zod/mini'
import { ProblemError } from '@/lib/api/auth-fetch'

export type Values = Record<string, string | boolean>
export type FieldErrors<V extends Values> = Partial<Record<keyof V & string, string>>

interface FormOptions<V extends Values> {
  /** Judges the whole form on submit; its output is what onSubmit gets. */
  schema: ZodMiniType<V>
  initial: V
  onSubmit: (values: V) => Promise<void>
}

/**
 * A flat form judged by one zod schema. An error shows on submit and goes when its field is changed. (A form
 * library would be a tenth of the JavaScript that the sign-in page may have.)
 */
export function useForm<V extends Values>({ schema, initial, onSubmit }: FormOptions<V>) {
  const [values, setValues] = useState(initial)
  const [errors, setErrors] = useState<FieldErrors<V>>({})
  const [busy, setBusy] = useState(false)
  const element = useRef<HTMLFormElement>(null)
  const running = useRef(false) // a double click is faster than a render

  const set = <Name extends keyof V & string>(name: Name, value: V[Name]) => {
    setValues((now) => ({ ...now, [name]: value }))
    setErrors((now) => ({ ...now, [name]: undefined }))
  }

  const focus = (name: keyof V & string) => {
    const control = element.current?.elements.namedItem(name)
    if (control instanceof HTMLElement) control.focus()
    if (control instanceof HTMLInputElement) control.select()
  }

  /** Shows errors at their fields and moves the focus to the first, in the order of the page. */
  const refuse = (found: FieldErrors<V>) => {
    setErrors(found)
    const first = Array.from(element.current?.elements ?? []).find(
      (control) => control instanceof HTMLInputElement && found[control.name],
    )
    if (first instanceof HTMLInputElement) focus(first.name)
  }

  const submit = async () => {
    const result = await safeParseAsync(schema, values)
    if (result.success) {
      setErrors({})
      await onSubmit(result.data)
      return
    }
    const found: FieldErrors<V> = {}
    for (const { path, message } of result.error.issues) {
      const name = String(path[0]) as keyof V & string
      found[name] ??= message // the first one found is the one to mend first
    }
    refuse(found)
  }

  return {
    values,
    errors,
    busy,
    focus,
    refuse,
    set,
    /** For the form element. */
    props: {
      ref: element,
      noValidate: true,
      onSubmit: (event: SubmitEvent<HTMLFormElement>) => {
        event.preventDefault()
        if (running.current) return
        running.current = true
        setBusy(true)
        void submit().finally(() => {
          running.current = false
          setBusy(false)
        })
      },
    },
    /** For a text input. */
    text: (name: keyof V & string) => ({
      name,
      value: String(values[name]),
      onChange: (event: ChangeEvent<HTMLInputElement>) => set(name, event.target.value as V[typeof name]),
    }),
    /** For a checkbox. */
    check: (name: keyof V & string) => ({
      name,
      type: 'checkbox',
      checked: Boolean(values[name]),
      onChange: (event: ChangeEvent<HTMLInputElement>) => set(name, event.target.checked as V[typeof name]),
    }),
  }
}

/**
 * The server's errors at the fields called `names`. Null when there are others or none, so that the problem has
 * to be shown as a whole.
 */
export function fieldErrorsOf<Name extends string>(
  error: unknown,
  names: readonly Name[],
): Partial<Record<Name, string>> | null {
  if (!(error instanceof ProblemError) || error.status !== 422) return null
  const fields = Object.keys(error.errors)
  const known = (field: string) => (names as readonly string[]).includes(field)
  return fields.length > 0 && fields.every(known) ? (error.errors as Partial<Record<Name, string>>) : null
}
