import { useState } from 'react'
import type { ChangeWords } from './changes'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { Notice } from '@/components/ui/notice'
import { ProblemError } from '@/lib/api/auth-fetch'
import { sayProblem, type Words } from '@/lib/api/problem-words'

interface ConfirmDialogProps {
  /** Null: closed. */
  words: ChangeWords | null
  /** Does it; the dialog stays and says so when it fails. */
  onConfirm: () => Promise<void>
  onClose: () => void
}

/** Asks before a change of another account. A change under way cannot be cancelled, so it stays open then. */
export function ConfirmDialog({ words, onConfirm, onClose }: ConfirmDialogProps) {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Words | null>(null)

  const close = () => {
    if (busy) return
    setProblem(null)
    onClose()
  }

  const confirm = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await onConfirm()
    } catch (error) {
      setProblem(sayRefusal(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <Dialog open={words !== null} title={words?.title ?? ''} onClose={close}>
      <p className="mt-2 text-pretty wrap-anywhere text-muted">{words?.text}</p>
      {words?.warning && (
        <Notice tone="warning" title="This is your own account" className="mt-4">
          {words.warning}
        </Notice>
      )}
      {problem && (
        <Notice tone="danger" title={problem.title} className="mt-4">
          {problem.text}
        </Notice>
      )}
      <div className="mt-6 flex flex-wrap justify-end gap-3">
        <Button look="secondary" disabled={busy} onClick={close}>
          Cancel
        </Button>
        <Button look={words?.danger ? 'danger' : 'primary'} busy={busy} onClick={() => void confirm()}>
          {busy ? words?.doing : words?.confirm}
        </Button>
      </div>
    </Dialog>
  )
}

function sayRefusal(error: unknown): Words {
  if (!(error instanceof ProblemError)) return sayProblem(error)
  switch (error.code) {
    case 'last_admin':
      return {
        title: 'This is the last active administrator',
        text: 'Without one nobody could manage accounts. Make somebody else an administrator first.',
      }
    case 'not_found':
      return { title: 'There is no such account any more', text: 'Nothing was changed.' }
    default:
      return sayProblem(error)
  }
}
