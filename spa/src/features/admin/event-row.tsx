import type { AuditEvent } from './admin-api'
import { sayActor, sayDetail, sayEvent } from './event-words'
import { Badge } from '@/components/ui/badge'
import { Fact, Facts } from '@/components/ui/facts'
import { minuteOf } from '@/lib/time/words'

/** An event in one line or two, and the rest of it behind "Details". */
export function EventRow({ event, onUser }: { event: AuditEvent; onUser: (id: string) => void }) {
  const { words, tone } = sayEvent(event.type)
  const when = minuteOf(event.at)
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h2 className="text-sm">
          <Badge tone={tone}>{words}</Badge>
        </h2>
        <time dateTime={event.at} className="ml-auto text-sm whitespace-nowrap text-muted">
          {when}
        </time>
        {event.detail && (
          <p className="min-w-0 basis-full text-sm wrap-anywhere md:order-first md:hidden">
            {sayDetail(event.detail)}
          </p>
        )}
      </div>
      <p className="mt-2 text-sm wrap-anywhere text-muted">
        {event.detail && <span className="text-ink max-md:hidden">{sayDetail(event.detail)} · </span>}
        {event.userId ? (
          <button
            type="button"
            onClick={() => onUser(event.userId)}
            className="rounded-sm text-left font-medium text-accent-ink underline decoration-accent-line underline-offset-4 hover:decoration-accent-ink"
          >
            Account {event.userId}
          </button>
        ) : (
          'No known account'
        )}
        {event.ip && <span className="whitespace-nowrap"> · from {event.ip}</span>}
      </p>
      <details className="mt-2 text-sm">
        <summary className="w-fit cursor-pointer rounded-sm py-0.5 text-muted hover:text-ink">
          Details<span className="sr-only">: {`${words}, ${when}`}</span>
        </summary>
        <div className="mt-3 rounded-control bg-sunken px-4 py-3">
          <Facts>
            <Fact name="Done by">{sayActor(event)}</Fact>
            {event.sessionId && <Fact name="Session">{event.sessionId}</Fact>}
            {event.userAgent && <Fact name="Browser">{event.userAgent}</Fact>}
            {event.requestId && <Fact name="Request">{event.requestId}</Fact>}
          </Facts>
        </div>
      </details>
    </>
  )
}
