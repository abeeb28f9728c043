import { ago } from './ago'
import type { Loaded } from './use-devices'
import { Card } from '@/components/ui/card'
import { Fact, Facts } from '@/components/ui/facts'
import { Skeleton } from '@/components/ui/skeleton'
import type { Device, Session } from '@/lib/api/schema'
import { useNow } from '@/lib/time/use-now'
import { countdownTo, distanceTo, minuteOf } from '@/lib/time/words'

interface SessionCardProps {
  session: Session
  /** One of them is this session: it knows when it was signed in. */
  devices: Loaded<Device[]>
}

export function SessionCard({ session, devices }: SessionCardProps) {
  return (
    <Card title="This session">
      <Renewal at={session.accessExpiresAt} />
      <Facts>
        <Fact name="Signed in since">
          <Since devices={devices} />
        </Fact>
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

function Since({ devices }: { devices: Loaded<Device[]> }) {
  if (devices.status === 'loading') return <Skeleton className="h-5 w-60" />
  const here = devices.status === 'ready' && devices.value.find((device) => device.current)
  return here ? (
    <Moment time={here.createdAt} words={ago} />
  ) : (
    <span className="font-normal text-muted">Not known now</span>
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

interface MomentProps {
  time: string
  words?: (time: string, now: number) => string
}

function Moment({ time, words = distanceTo }: MomentProps) {
  const now = useNow()
  return (
    <time dateTime={time}>
      {minuteOf(time)} <span className="font-normal text-muted">· {words(time, now)}</span>
    </time>
  )
}
