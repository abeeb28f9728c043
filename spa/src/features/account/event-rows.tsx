import { Bell, KeyRound, LogIn, LogOut, ShieldAlert, UserRound, type LucideIcon } from 'lucide-react'
import { ago } from './ago'
import { sayEvent } from './event-words'
import { Row, Rows } from './row'
import { readUserAgent, sayClient } from './user-agent'
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

export function EventRows({ events, ownId }: { events: AuditEvent[]; ownId: string }) {
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
            {event.userAgent && (
              <>
                {' '}
                · <span className="inline-block">{sayClient(readUserAgent(event.userAgent))}</span>
              </>
            )}
            {event.ip && (
              <>
                {' '}
                · <span className="inline-block">{event.ip}</span>
              </>
            )}
          </Row>
        )
      })}
    </Rows>
  )
}
