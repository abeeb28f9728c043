import { useEffect, useState } from 'react'
import * as z from 'zod/mini'
import { PasswordInput } from './password-input'
import { useCapsLock } from './use-caps-lock'
import { useWait } from './use-wait'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { Field } from '@/components/ui/field'
import { Notice } from '@/components/ui/notice'
import { deleteAccount } from '@/lib/api/account-api'
import { ProblemError } from '@/lib/api/auth-fetch'
import { sayProblem, type Words } from '@/lib/api/problem-words'
import { fieldErrorsOf, useForm } from '@/lib/use-form'

const schema = z.object({ password: z.string().check(z.minLength(1, 'Enter your password.')) })

const REFUSALS = new Map([
  ['wrong_password', 'This is not your password.'],
  ['last_admin', 'You are the only administrator. Make somebody else one first.'],
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

/** The password once more: a browser left unlocked is not its owner. */
function DeleteAccountForm({ email, onClose, onBusy, onDone }: FormProps) {
  const [problem, setProblem] = useState<Words | null>(null)
  const [wait, setWait] = useWait()
  const capsLock = useCapsLock()

  const form = useForm({
    schema,
    initial: { password: '' },
    async onSubmit({ password }) {
      setProblem(null)
      onBusy(true)
      try {
        await deleteAccount(password)
      } catch (error) {
        onBusy(false)
        const refusal = error instanceof ProblemError && REFUSALS.get(error.code)
        const found = refusal ? { password: refusal } : fieldErrorsOf(error, ['password'])
        if (found) {
          form.refuse(found)
          return
        }
        setProblem(sayProblem(error))
        if (error instanceof ProblemError) setWait(error.retryAfter ?? 0)
        return
      }
      await onDone()
    },
  })

  const { focus } = form
  // oxlint-disable-next-line react/exhaustive-deps -- once, when the dialog opens
  useEffect(() => focus('password'), [])

  return (
    <form {...form.props} aria-label="Delete account" className="mt-6 space-y-5">
      {problem && (
        <Notice tone="danger" title={problem.title}>
          {problem.text}
        </Notice>
      )}
      <input hidden readOnly type="text" autoComplete="username" value={email} />
      <Field label="Your password" aside={capsLock.hint} error={form.errors.password}>
        {(control) => (
          <PasswordInput
            {...control}
            {...form.text('password')}
            {...capsLock.handlers}
            autoComplete="current-password"
          />
        )}
      </Field>
      <div className="flex flex-col-reverse gap-3 sm:flex-row sm:justify-end">
        <Button look="secondary" disabled={form.busy} onClick={onClose}>
          Cancel
        </Button>
        <Button
          type="submit"
          busy={form.busy}
          disabled={wait > 0}
          className={wait > 0 ? '' : 'bg-danger! text-surface! not-aria-disabled:hover:bg-danger-hover!'}
        >
          {form.busy ? 'Deleting account…' : wait > 0 ? `Try again in ${wait} s` : 'Delete my account'}
        </Button>
      </div>
    </form>
  )
}
