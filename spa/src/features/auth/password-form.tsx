import clsx from 'clsx'
import { useState, type ComponentProps, type ReactNode } from 'react'
import type { ZodMiniType } from 'zod/mini'
import { PasswordInput } from './password-input'
import { useCapsLock } from './use-caps-lock'
import { useWait } from './use-wait'
import { Button } from '@/components/ui/button'
import { Field } from '@/components/ui/field'
import { Notice } from '@/components/ui/notice'
import { ProblemError } from '@/lib/api/auth-fetch'
import { sayProblem, type Words } from '@/lib/api/problem-words'
import { fieldErrorsOf, useForm, type FieldErrors, type Values } from '@/lib/use-form'

interface Options<V extends Values> {
  schema: ZodMiniType<V>
  initial: V
  send: (values: V) => Promise<void>
  onDone?: (values: V) => Promise<void> | void
  /** Errors at fields, by the code of the problem. */
  fieldErrors?: ReadonlyMap<string, FieldErrors<V>>
  /** Words above the form, by the code of the problem; `focus` is the field to try again with. */
  words?: ReadonlyMap<string, Words & { focus?: keyof V & string }>
}

/** A form with a password, and the answers that all of them can get: errors at fields, a problem, a wait. */
export function usePasswordForm<V extends Values>(options: Options<V>) {
  const { schema, initial, send, onDone, fieldErrors, words } = options
  const [problem, setProblem] = useState<Words | null>(null)
  const [wait, setWait] = useWait()
  const capsLock = useCapsLock()

  const form = useForm({
    schema,
    initial,
    async onSubmit(values) {
      setProblem(null)
      try {
        await send(values)
      } catch (error) {
        const code = error instanceof ProblemError ? error.code : ''
        const texts = Object.keys(initial).filter((name) => typeof initial[name] === 'string')
        const found = fieldErrors?.get(code) ?? (fieldErrorsOf(error, texts) as FieldErrors<V> | null)
        if (found) {
          form.refuse(found)
          return
        }
        const better = words?.get(code)
        setProblem(better ?? sayProblem(error))
        if (better?.focus) form.focus(better.focus)
        if (error instanceof ProblemError) setWait(error.retryAfter ?? 0)
        return
      }
      await onDone?.(values)
    },
  })
  return { ...form, problem, wait, capsLock }
}

type Form<V extends Values> = ReturnType<typeof usePasswordForm<V>>

interface PasswordFormProps extends Pick<ComponentProps<'form'>, 'className' | 'onChange'> {
  form: Pick<Form<Values>, 'props' | 'problem'>
  label: string
  children: ReactNode
}

export function PasswordForm({ form, label, children, className, onChange }: PasswordFormProps) {
  const { props, problem } = form
  return (
    <form {...props} onChange={onChange} aria-label={label} className={clsx('space-y-5', className)}>
      {problem && (
        <Notice tone="danger" title={problem.title}>
          {problem.text}
        </Notice>
      )}
      {children}
    </form>
  )
}

interface PasswordFieldProps<V extends Values> extends Pick<
  ComponentProps<'input'>,
  'autoComplete' | 'onFocus'
> {
  form: Form<V>
  name: keyof V & string
  label: string
  aside?: ReactNode
  hint?: ReactNode
}

export function PasswordField<V extends Values>(props: PasswordFieldProps<V>) {
  const { form, name, label, aside, hint, ...rest } = props
  return (
    <Field label={label} aside={aside} hint={hint} error={form.errors[name]}>
      {(control) => <PasswordInput {...control} {...form.text(name)} {...form.capsLock.handlers} {...rest} />}
    </Field>
  )
}

interface SubmitButtonProps {
  form: Pick<Form<Values>, 'busy' | 'wait'>
  className?: string
  busy: string
  children: string
}

/** Counts down while the server takes no attempts. */
export function SubmitButton({ form, className, busy, children }: SubmitButtonProps) {
  const { wait } = form
  return (
    <Button type="submit" busy={form.busy} disabled={wait > 0} className={className}>
      {form.busy ? busy : wait > 0 ? `Try again in ${spell(wait)}` : children}
    </Button>
  )
}

/** "9 s", "12:34" */
function spell(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
