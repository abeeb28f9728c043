import { useState } from 'react'
import { PasswordInput } from './password-input'
import { signUpSchema } from './schemas'
import { loadEstimator } from './strength'
import { StrengthMeter } from './strength-meter'
import { useCapsLock } from './use-caps-lock'
import { useWait } from './use-wait'
import { Button } from '@/components/ui/button'
import { Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { Notice } from '@/components/ui/notice'
import { register } from '@/lib/api/auth-api'
import { ProblemError } from '@/lib/api/auth-fetch'
import { sayProblem, type Words } from '@/lib/api/problem-words'
import { fieldErrorsOf, useForm } from '@/lib/use-form'

const CLOSED: Words = {
  title: 'Sign-up is closed',
  text: 'New accounts are made by an administrator here. Ask yours for one.',
}

export function SignUpForm({ onDone }: { onDone: (email: string) => void }) {
  const [problem, setProblem] = useState<Words | null>(null)
  const [wait, setWait] = useWait()
  const capsLock = useCapsLock()

  const form = useForm({
    schema: signUpSchema,
    initial: { name: '', email: '', password: '' },
    async onSubmit({ name, email, password }) {
      setProblem(null)
      try {
        // The server takes a name or none, but not an empty one.
        await register({ email, password, ...(name && { name }) })
        onDone(email)
      } catch (error) {
        const code = error instanceof ProblemError ? error.code : ''
        const found =
          code === 'email_taken'
            ? { email: 'There is an account with this address already. Sign in instead?' }
            : fieldErrorsOf(error, ['name', 'email', 'password'])
        if (found) {
          form.refuse(found)
          return
        }
        setProblem(code === 'signup_closed' ? CLOSED : sayProblem(error))
        if (error instanceof ProblemError) setWait(error.retryAfter ?? 0)
      }
    },
  })
  const { values, errors } = form

  return (
    <form {...form.props} aria-label="Create account" className="space-y-5">
      {problem && (
        <Notice tone="danger" title={problem.title}>
          {problem.text}
        </Notice>
      )}
      <Field label="Name" aside={<span className="text-muted">Optional</span>} error={errors.name}>
        {(control) => <Input {...control} {...form.text('name')} autoComplete="name" />}
      </Field>
      <Field label="Email" error={errors.email}>
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
      <Field
        label="Password"
        aside={capsLock.hint}
        error={errors.password}
        hint={<StrengthMeter {...values} quiet={Boolean(errors.password)} />}
      >
        {(control) => (
          <PasswordInput
            {...control}
            {...form.text('password')}
            {...capsLock.handlers}
            onFocus={() => void loadEstimator()}
            autoComplete="new-password"
          />
        )}
      </Field>
      <Button type="submit" busy={form.busy} disabled={wait > 0} className="w-full">
        {form.busy ? 'Creating account…' : wait > 0 ? `Try again in ${wait} s` : 'Create account'}
      </Button>
    </form>
  )
}
