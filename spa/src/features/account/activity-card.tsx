import { Bell, KeyRound, LogIn, LogOut, ShieldAlert, UserRound, type LucideIcon } from 'lucide-react'
import { ago } from './ago'
import { sayEvent } from './event-words'
import { LoadFailure } from './load-failure'
import { Row, Rows, RowsSkeleton } from './row'
import type { Activity } from './use-activity'
import { useKeptFocus } from './use-kept-focus'
import { readUserAgent, sayClient } from './user-agent'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import type { AuditEvent } from '@/lib/api/schema'
import { useNow } from '@/lib/time/use-now'
import { minuteOf } from '@/lib/time/words'

const ICONS: Record<string, LucideIcon> = {
  registered: UserRound,
  login_succeeded: LogIn,
  login_failed: ShieldAlert,
  logout: LogOut,
  session_revoked: LogOut,
  refresh_reuse: ShieldAlert,
  password_changed: KeyRound,
  profile_changed: UserRound,
}

export function ActivityCard({ activity, ownId }: { activity: Activity; ownId: string }) {
  const { page, reload, more, loadingMore, moreFailed } = activity
  const kept = useKeptFocus()
  return (
    <Card title="Activity" description="What has happened to your account, the newest first.">
      <div {...kept}>
        {page.status === 'loading' && <RowsSkeleton label="Loading activity" rows={4} />}
        {page.status === 'failed' && <LoadFailure error={page.error} onRetry={() => void reload()} />}
        {page.status === 'ready' &&
          (page.value.events.length > 0 ? (
            <List events={page.value.events} ownId={ownId} />
          ) : (
            <p className="text-sm text-muted">
              Nothing yet. Sign-ins, changes and devices signed out will be listed here.
            </p>
          ))}
        {page.status === 'ready' && page.value.next && (
          <div className="mt-6">
            {moreFailed === null ? (
              <Button look="secondary" busy={loadingMore} onClick={() => void more()}>
                {loadingMore ? 'Loading…' : 'Show more'}
              </Button>
            ) : (
              <LoadFailure error={moreFailed} onRetry={() => void more()} />
            )}
          </div>
        )}
      </div>
      <p role="status" className="sr-only">
        {page.status === 'ready' &&
          page.value.events.length > 0 &&
          `${page.value.events.length} events shown`}
      </p>
    </Card>
  )
}

function List({ events, ownId }: { events: AuditEvent[]; ownId: string }) {
  const now = useNow()
  return (
    <Rows label="Account activity">
      {events.map((event) => {
        const { text, alarming } = sayEvent(event, ownId)
        return (
          <Row key={event.id} icon={ICONS[event.type] ?? Bell} alarming={alarming} title={text}>
            <time dateTime={event.at} title={minuteOf(event.at)}>
              {ago(event.at, now)}
            </time>
            {event.userAgent && ` · ${sayClient(readUserAgent(event.userAgent))}`}
            {event.ip && ` · ${event.ip}`}
          </Row>
        )
      })}
    </Rows>
  )
}
