import { Search } from 'lucide-react'
import { useCallback, useState } from 'react'
import { AccountRow } from './account-row'
import { listAccounts, type Account } from './admin-api'
import { carryOut, sayChange, type Change } from './changes'
import { ConfirmDialog } from './confirm-dialog'
import { countWords, ListFrame, ListRow } from './list-frame'
import { usePages } from './use-pages'
import { useQueryText } from './use-query-text'
import { Input } from '@/components/ui/input'
import { ProblemError } from '@/lib/api/auth-fetch'
import { useMember } from '@/lib/session/use-auth'

export function AccountList() {
  const { user: me, refresh } = useMember()
  const [text, q, setText] = useQueryText('q')
  const load = useCallback(
    (cursor: string | null, signal: AbortSignal) => listAccounts(q, cursor, signal),
    [q],
  )
  const pages = usePages(load)
  const [asking, setAsking] = useState<{ change: Change; account: Account } | null>(null)
  const [done, setDone] = useState('')

  const confirm = async () => {
    if (!asking) return
    const { change, account } = asking
    const own = account.id === me.id
    try {
      pages.replace(await carryOut(change, account))
    } catch (error) {
      // One's own role has changed meanwhile: /me says so to the whole app.
      if (error instanceof ProblemError && error.status === 403) refresh().catch(() => {})
      throw error
    }
    setDone(sayChange(change, account, own).done)
    setAsking(null)
    // Should the event stream be late or down: the next response carries it.
    if (own) refresh().catch(() => {})
  }

  return (
    <>
      <div className="relative mt-8 max-w-md">
        <Search aria-hidden="true" className="absolute top-3 left-3 size-4 text-muted" />
        <Input
          type="search"
          aria-label="Search by name or email"
          placeholder="Search by name or email"
          value={text}
          onChange={(event) => setText(event.target.value)}
          autoComplete="off"
          className="pl-9"
        />
      </div>
      <p role="status" className="my-4 min-h-5 text-sm text-muted">
        {done || countWords(pages, 'account', 'accounts')}
      </p>
      <ListFrame
        label="Accounts"
        pages={pages}
        skeleton="h-54 lg:h-24"
        empty={q ? `Nobody’s name or email has “${q}” in it.` : 'Accounts are listed here.'}
      >
        {pages.items?.map((account) => (
          <ListRow key={account.id}>
            <AccountRow
              account={account}
              own={account.id === me.id}
              onChange={(change) => {
                setDone('')
                setAsking({ change, account })
              }}
            />
          </ListRow>
        ))}
      </ListFrame>
      <ConfirmDialog
        words={asking && sayChange(asking.change, asking.account, asking.account.id === me.id)}
        onConfirm={confirm}
        onClose={() => setAsking(null)}
      />
    </>
  )
}
