import { useEffect } from 'react'
import * as z from 'zod/mini'
import { PasswordField, PasswordForm, SubmitButton, usePasswordForm } from './password-form'
import { Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { useAuth } from '@/lib/session/use-auth'

const schema = z.object({
  email: z.string().check(z.trim(), z.minLength(1, 'Enter your email address.')),
  password: z.string().check(z.minLength(1, 'Enter your password.')),
  remember: z.boolean(),
})

const WORDS = new Map([
  [
    'invalid_credentials',
    { title: 'Email or password is wrong', text: 'Check both and try again.', focus: 'password' as const },
  ],
])

/** The guard of the page sends a browser with a session on, so nothing happens here after a sign-in. */
export function SignInForm({ email = '' }: { email?: string | undefined }) {
  const { signIn } = useAuth()
  const form = usePasswordForm({
    schema,
    initial: { email, password: '', remember: false },
    send: signIn,
    words: WORDS,
  })

  const start = email ? 'password' : 'email'
  const { focus } = form
  // oxlint-disable-next-line react/exhaustive-deps -- once, when the page opens
  useEffect(() => focus(start), [])

  return (
    <PasswordForm form={form} label="Sign in">
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
      <PasswordField
        form={form}
        name="password"
        label="Password"
        aside={form.capsLock.hint}
        autoComplete="current-password"
      />
      <label className="flex min-h-6 cursor-pointer items-center gap-3">
        <input {...form.check('remember')} className="tick" />
        Keep me signed in on this device
      </label>
      <SubmitButton form={form} busy="Signing in…" className="w-full">
        Sign in
      </SubmitButton>
    </PasswordForm>
  )
}
