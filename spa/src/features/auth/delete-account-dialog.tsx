import { useEffect, useState } from 'react'
import * as z from 'zod/mini'
import { PasswordField, PasswordForm, SubmitButton, usePasswordForm } from './password-form'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { deleteAccount } from '@/lib/api/account-api'

const schema = z.object({ password: z.string().check(z.minLength(1, 'Enter your password.')) })

const FIELD_ERRORS = new Map([
  ['wrong_password', { password: 'This is not your password.' }],
  ['last_admin', { password: 'You are the only administrator. Make somebody else one first.' }],
])

interface DeleteAccountProps {
  email: string
  onClose: () => void
  /** The account is gone. */
  onDone: () => Promise<void>
}

/** Stays open while the account is being deleted. */
export function DeleteAccountDialog({ open, ...rest }: DeleteAccountProps & { open: boolean }) {
  const [busy, setBusy] = useState(false)
  return (
    <Dialog open={open} title="Delete your account?" onClose={() => busy || rest.onClose()}>
      <p className="mt-2 text-sm text-muted">
        Your account goes for good, and every device is signed out. This cannot be undone.
      </p>
      <DeleteAccountForm {...rest} onBusy={setBusy} />
    </Dialog>
  )
}

interface FormProps extends DeleteAccountProps {
  onBusy: (busy: boolean) => void
}

/** Asks for the password: the browser may have been left unlocked. */
function DeleteAccountForm({ email, onClose, onBusy, onDone }: FormProps) {
  const form = usePasswordForm({
    schema,
    initial: { password: '' },
    async send({ password }) {
      onBusy(true)
      try {
        await deleteAccount(password)
      } catch (error) {
        onBusy(false)
        throw error
      }
    },
    onDone,
    fieldErrors: FIELD_ERRORS,
  })

  const { focus } = form
  // oxlint-disable-next-line react/exhaustive-deps -- once, when the dialog opens
  useEffect(() => focus('password'), [])

  return (
    <PasswordForm form={form} label="Delete account" className="mt-6">
      <input hidden readOnly type="text" autoComplete="username" value={email} />
      <PasswordField
        form={form}
        name="password"
        label="Your password"
        aside={form.capsLock.hint}
        autoComplete="current-password"
      />
      <div className="flex flex-col-reverse gap-3 sm:flex-row sm:justify-end">
        <Button look="secondary" disabled={form.busy} onClick={onClose}>
          Cancel
        </Button>
        <SubmitButton
          form={form}
          busy="Deleting account…"
          className={form.wait > 0 ? '' : 'bg-danger! text-surface! not-aria-disabled:hover:bg-danger-hover!'}
        >
          Delete my account
        </SubmitButton>
      </div>
    </PasswordForm>
  )
}
