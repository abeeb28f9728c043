import { Badge } from '@/components/ui/badge'
import { Card } from '@/components/ui/card'
import { Fact, Facts } from '@/components/ui/facts'
import { TextLink } from '@/components/ui/text-link'
import type { User } from '@/lib/api/auth-api'
import { dayOf } from '@/lib/time/words'

export function ProfileCard({ user }: { user: User }) {
  return (
    <Card title="You">
      <div className="mb-6 flex items-center gap-4">
        <span
          aria-hidden="true"
          className="flex size-12 shrink-0 items-center justify-center rounded-full bg-accent-soft font-semibold text-accent-ink"
        >
          {initials(user.name || user.email.replace(/@.*/, ''))}
        </span>
        <div className="min-w-0">
          <p className="line-clamp-2 text-base font-semibold wrap-anywhere">{user.name || 'No name given'}</p>
          <p className="text-sm wrap-anywhere text-muted">{user.email}</p>
        </div>
      </div>
      <Facts>
        <Fact name="Role">
          <Badge tone={user.role === 'admin' ? 'accent' : 'neutral'}>{user.role}</Badge>
        </Fact>
        <Fact name="Member since">{dayOf(user.createdAt)}</Fact>
        <Fact name="Account id">
          <span className="font-mono text-xs">{user.id}</span>
        </Fact>
      </Facts>
      <p className="mt-4 text-sm">
        <TextLink to="/account">Edit profile and password</TextLink>
      </p>
    </Card>
  )
}

function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean)
  return words
    .slice(0, 2)
    .map((word) => [...word][0]?.toUpperCase())
    .join('')
}
