import { useState } from 'react'
import * as z from 'zod/mini'
import { PasswordInput } from './password-input'
import { assess, loadEstimator, type Owner } from './strength'
import { StrengthMeter } from './strength-meter'
import { useCapsLock } from './use-caps-lock'
import { useWait } from './use-wait'
import { Button } from '@/components/ui/button'
import { Done } from '@/components/ui/done'
import { Field } from '@/components/ui/field'
import { Notice } from '@/components/ui/notice'
import { changePassword } from '@/lib/api/account-api'
import { ProblemError } from '@/lib/api/auth-fetch'
import { sayProblem, type Words } from '@/lib/api/problem-words'
import { fieldErrorsOf, useForm } from '@/lib/use-form'

const EMPTY = { currentPassword: '', newPassword: '' }

export function ChangePasswordForm({ owner, onDone }: { owner: Owner; onDone: () => void }) {
  const [problem, setProblem] = useState<Words | null>(null)
  const [changed, setChanged] = useState(false)
  const [wait, setWait] = useWait()
  const capsLock = useCapsLock()

  const form = useForm({
    schema: schemaFor(owner),
    initial: EMPTY,
    async onSubmit(values) {
      setProblem(null)
      try {
        await changePassword(values)
      } catch (error) {
        const code = error instanceof ProblemError ? error.code : ''
        const found =
          code === 'wrong_password'
            ? { currentPassword: 'This is not your current password.' }
            : fieldErrorsOf(error, ['currentPassword', 'newPassword'])
        if (found) {
          form.refuse(found)
          return
        }
        setProblem(sayProblem(error))
        if (error instanceof ProblemError) setWait(error.retryAfter ?? 0)
        return
      }
      form.set('currentPassword', '')
      form.set('newPassword', '')
      setChanged(true)
      onDone()
    },
  })
  const { props, values, errors } = form

  return (
    <form
      {...props}
      // What was done last says nothing about what is being done now.
      onChange={() => setChanged(false)}
      aria-label="Change password"
      className="space-y-5"
    >
      {problem && (
        <Notice tone="danger" title={problem.title}>
          {problem.text}
        </Notice>
      )}
      {/* Tells a password manager whose password this is. */}
      <input hidden readOnly type="text" autoComplete="username" value={owner.email} />
      <Field label="Current password" aside={capsLock.hint} error={errors.currentPassword}>
        {(control) => (
          <PasswordInput
            {...control}
            {...form.text('currentPassword')}
            {...capsLock.handlers}
            autoComplete="current-password"
          />
        )}
      </Field>
      <Field
        label="New password"
        error={errors.newPassword}
        hint={<StrengthMeter {...owner} password={values.newPassword} quiet={Boolean(errors.newPassword)} />}
      >
        {(control) => (
          <PasswordInput
            {...control}
            {...form.text('newPassword')}
            {...capsLock.handlers}
            onFocus={() => void loadEstimator()}
            autoComplete="new-password"
          />
        )}
      </Field>
      <div className="flex min-h-10 flex-wrap items-center gap-x-4 gap-y-3">
        <Button type="submit" busy={form.busy} disabled={wait > 0}>
          {form.busy ? 'Changing password…' : wait > 0 ? `Try again in ${wait} s` : 'Change password'}
        </Button>
        <Done>{changed && 'Password changed. Your other devices were signed out.'}</Done>
      </div>
    </form>
  )
}

/** The server decides by the same rules, and says so at the same field. */
function schemaFor(owner: Owner) {
  return z
    .object({
      currentPassword: z.string().check(z.minLength(1, 'Enter your current password.')),
      newPassword: z.string().check(z.minLength(1, 'Choose a new password.')),
    })
    .check(async ({ value, issues }) => {
      const { refusal } = await assess(value.newPassword, owner)
      if (refusal) {
        issues.push({ code: 'custom', path: ['newPassword'], message: refusal, input: value.newPassword })
      }
    })
}
