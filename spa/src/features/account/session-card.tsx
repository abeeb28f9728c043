import { Card } from '@/components/ui/card'
import { Fact, Facts } from '@/components/ui/facts'
import type { Session } from '@/lib/api/auth-api'
import { useNow } from '@/lib/time/use-now'
import { countdownTo, distanceTo, minuteOf } from '@/lib/time/words'

export function SessionCard({ session }: { session: Session }) {
  return (
    <Card title="This session">
      <Renewal at={session.accessExpiresAt} />
      <Facts>
        <Fact name="Kept until">
          <Moment time={session.idleExpiresAt} />
        </Fact>
        <Fact name="Ends at the latest">
          <Moment time={session.absoluteExpiresAt} />
        </Fact>
        <Fact name="On this device">
          {session.remember ? 'Stays signed in' : 'Signed in until the browser closes'}
        </Fact>
      </Facts>
    </Card>
  )
}

/** Nothing renews a session by the clock: the first request after the time does. */
function Renewal({ at }: { at: string }) {
  const left = countdownTo(at, useNow())
  return (
    <div className="mb-6 flex h-12 flex-col justify-center">
      <p className="text-sm text-muted">Next renewal</p>
      <p role="timer" className="text-base font-semibold tabular-nums">
        {left ? `in ${left}` : 'with your next call'}
      </p>
    </div>
  )
}

function Moment({ time }: { time: string }) {
  const now = useNow()
  return (
    <time dateTime={time}>
      {minuteOf(time)} <span className="font-normal text-muted">· {distanceTo(time, now)}</span>
    </time>
  )
}
