import type { Account } from './admin-api'
import type { Change } from './changes'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { TextLink } from '@/components/ui/text-link'
import { dayOf } from '@/lib/time/words'

interface AccountRowProps {
  account: Account
  /** It is the account of this session. */
  own: boolean
  onChange: (change: Change) => void
}

/** A row on a wide screen, a card on a phone. */
export function AccountRow({ account, own, onChange }: AccountRowProps) {
  const who = account.name || account.email
  const admin = account.role === 'admin'
  const action = (change: Change, label: string) => (
    <Button look="secondary" size="sm" onClick={() => onChange(change)}>
      {/* One text, or a screen reader would take a breath in the middle. */}
      <span>
        {label}
        <span className="sr-only">: {who}</span>
      </span>
    </Button>
  )
  return (
    <div className="grid items-center gap-x-6 gap-y-3 lg:grid-cols-[minmax(0,1fr)_10.5rem_24rem]">
      <div className="min-w-0">
        <h2 className="flex items-center gap-2 text-body">
          <span className="truncate">{account.name || 'No name given'}</span>
          {own && <Badge tone="accent">You</Badge>}
        </h2>
        <p className="text-sm wrap-anywhere text-muted">{account.email}</p>
        <p className="text-sm text-muted">
          Since {dayOf(account.createdAt)} ·{' '}
          <TextLink to={`/admin/audit?${new URLSearchParams({ user: account.id })}`}>
            Audit trail<span className="sr-only"> of {who}</span>
          </TextLink>
        </p>
      </div>
      <div className="flex flex-wrap gap-2">
        <Badge tone={admin ? 'accent' : 'neutral'}>{account.role}</Badge>
        <Badge tone={account.active ? 'success' : 'warning'}>{account.active ? 'active' : 'disabled'}</Badge>
      </div>
      <div className="flex flex-wrap gap-2 lg:justify-end">
        {admin ? action('make-user', 'Make user') : action('make-admin', 'Make admin')}
        {account.active ? action('disable', 'Disable') : action('enable', 'Enable')}
        {account.active && action('sign-out', 'Sign out everywhere')}
      </div>
    </div>
  )
}
