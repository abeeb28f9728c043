import { PasswordField, PasswordForm, SubmitButton, usePasswordForm } from './password-form'
import { signUpSchema } from './sign-up-schema'
import { loadEstimator } from './strength'
import { StrengthMeter } from './strength-meter'
import { Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { register } from '@/lib/api/auth-api'

const FIELD_ERRORS = new Map([
  ['email_taken', { email: 'There is an account with this address already. Sign in instead?' }],
])
const WORDS = new Map([
  [
    'signup_closed',
    {
      title: 'Sign-up is closed',
      text: 'New accounts are made by an administrator here. Ask yours for one.',
    },
  ],
])

export function SignUpForm({ onDone }: { onDone: (email: string) => void }) {
  const form = usePasswordForm({
    schema: signUpSchema,
    initial: { name: '', email: '', password: '' },
    // The server takes a name or none, but not an empty one.
    send: ({ name, email, password }) => register({ email, password, ...(name && { name }) }),
    onDone: ({ email }) => onDone(email),
    fieldErrors: FIELD_ERRORS,
    words: WORDS,
  })
  const { values, errors } = form

  return (
    <PasswordForm form={form} label="Create account">
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
      <PasswordField
        form={form}
        name="password"
        label="Password"
        aside={form.capsLock.hint}
        hint={<StrengthMeter {...values} quiet={Boolean(errors.password)} />}
        onFocus={() => void loadEstimator()}
        autoComplete="new-password"
      />
      <SubmitButton form={form} busy="Creating account…" className="w-full">
        Create account
      </SubmitButton>
    </PasswordForm>
  )
}
