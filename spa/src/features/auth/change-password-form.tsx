import { useState } from 'react'
import * as z from 'zod/mini'
import { PasswordField, PasswordForm, SubmitButton, usePasswordForm } from './password-form'
import { assess, loadEstimator, type Owner } from './strength'
import { StrengthMeter } from './strength-meter'
import { Done } from '@/components/ui/done'
import { changePassword } from '@/lib/api/account-api'

const EMPTY = { currentPassword: '', newPassword: '' }
const FIELD_ERRORS = new Map([['wrong_password', { currentPassword: 'This is not your current password.' }]])

export function ChangePasswordForm({ owner, onDone }: { owner: Owner; onDone: () => void }) {
  const [changed, setChanged] = useState(false)
  const form = usePasswordForm({
    schema: schemaFor(owner),
    initial: EMPTY,
    send: changePassword,
    onDone() {
      form.set('currentPassword', '')
      form.set('newPassword', '')
      setChanged(true)
      onDone()
    },
    fieldErrors: FIELD_ERRORS,
  })
  const { values, errors } = form

  return (
    <PasswordForm
      form={form}
      label="Change password"
      // A message about the last change does not belong to the next.
      onChange={() => setChanged(false)}
    >
      {/* Tells a password manager whose password this is. */}
      <input hidden readOnly type="text" autoComplete="username" value={owner.email} />
      <PasswordField
        form={form}
        name="currentPassword"
        label="Current password"
        aside={form.capsLock.hint}
        autoComplete="current-password"
      />
      <PasswordField
        form={form}
        name="newPassword"
        label="New password"
        hint={<StrengthMeter {...owner} password={values.newPassword} quiet={Boolean(errors.newPassword)} />}
        onFocus={() => void loadEstimator()}
        autoComplete="new-password"
      />
      <div className="flex min-h-10 flex-wrap items-center gap-x-4 gap-y-3">
        <SubmitButton form={form} busy="Changing password…">
          Change password
        </SubmitButton>
        <Done>{changed && 'Password changed. Your other devices were signed out.'}</Done>
      </div>
    </PasswordForm>
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
