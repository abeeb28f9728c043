import { useEffect, useState } from 'react'
import { PasswordInput } from './password-input'
import { signInSchema } from './schemas'
import { useCapsLock } from './use-caps-lock'
import { useWait } from './use-wait'
import { Button } from '@/components/ui/button'
import { Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { Notice } from '@/components/ui/notice'
import { ProblemError } from '@/lib/api/auth-fetch'
import { sayProblem, type Words } from '@/lib/api/problem-words'
import { useAuth } from '@/lib/session/use-auth'
import { fieldErrorsOf, useForm } from '@/lib/use-form'

const WRONG: Words = {
  title: 'Email or password is wrong',
  text: 'Check both and try again.',
}

/** Where it leads is the guard's matter: it sends whoever is signed in away from this page. */
export function SignInForm({ email = '' }: { email?: string | undefined }) {
  const { signIn } = useAuth()
  const [problem, setProblem] = useState<Words | null>(null)
  const [wait, setWait] = useWait()
  const capsLock = useCapsLock()

  const form = useForm({
    schema: signInSchema,
    initial: { email, password: '', remember: false },
    async onSubmit(values) {
      setProblem(null)
      try {
        await signIn(values)
      } catch (error) {
        const found = fieldErrorsOf(error, ['email', 'password'])
        if (found) {
          form.refuse(found)
          return
        }
        const wrong = error instanceof ProblemError && error.code === 'invalid_credentials'
        setProblem(wrong ? WRONG : sayProblem(error))
        if (wrong) form.focus('password')
        else if (error instanceof ProblemError) setWait(error.retryAfter ?? 0)
      }
    },
  })

  const start = email ? 'password' : 'email'
  const { focus } = form
  // oxlint-disable-next-line react/exhaustive-deps -- once, when the page opens
  useEffect(() => focus(start), [])

  return (
    <form {...form.props} aria-label="Sign in" className="space-y-5">
      {problem && (
        <Notice tone="danger" title={problem.title}>
          {problem.text}
        </Notice>
      )}
      <Field label="Email" error={form.errors.email}>
        {(control) => (
          <Input
            {...control}
            {...form.text('email')}
            type="email"
            autoComplete="username"
            autoCapitalize="none"
          />
        )}
      </Field>
      <Field label="Password" aside={capsLock.hint} error={form.errors.password}>
        {(control) => (
          <PasswordInput
            {...control}
            {...form.text('password')}
            {...capsLock.handlers}
            autoComplete="current-password"
          />
        )}
      </Field>
      <label className="flex min-h-6 cursor-pointer items-center gap-3">
        <input {...form.check('remember')} className="tick" />
        Keep me signed in on this device
      </label>
      <Button type="submit" busy={form.busy} disabled={wait > 0} className="w-full">
        {form.busy ? 'Signing in…' : wait > 0 ? `Try again in ${spell(wait)}` : 'Sign in'}
      </Button>
    </form>
  )
}

/** "9 s", "12:34" */
function spell(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
