import { useState } from 'react'
import { DeviceRow } from './device-row'
import { LoadFailure } from './load-failure'
import { Rows, RowsSkeleton } from './row'
import type { Devices } from './use-devices'
import { useKeptFocus } from './use-kept-focus'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Done } from '@/components/ui/done'
import { Notice } from '@/components/ui/notice'
import { Skeleton } from '@/components/ui/skeleton'
import { endDevice, endOtherDevices, type Device } from '@/lib/api/account-api'
import { ProblemError } from '@/lib/api/auth-fetch'
import { sayProblem } from '@/lib/api/problem-words'
import { useNow } from '@/lib/time/use-now'

const OTHERS = 'others'

interface DevicesCardProps {
  devices: Devices
  /** After a device has been signed out. */
  onDone: () => void
}

export function DevicesCard({ devices: { list, reload }, onDone }: DevicesCardProps) {
  const [done, setDone] = useState<string | null>(null)
  const [failure, setFailure] = useState<unknown>(null)
  const [ending, setEnding] = useState<string | null>(null)
  const kept = useKeptFocus()

  const end = async (what: string, words: string, request: () => Promise<void>) => {
    if (ending) return
    setEnding(what)
    setDone(null)
    setFailure(null)
    try {
      await request()
      await reload()
      setDone(words)
      onDone()
    } catch (error) {
      setFailure(error)
    } finally {
      setEnding(null)
    }
  }

  return (
    <Card
      anchor="devices"
      title="Devices"
      description="Where you are signed in. End what you do not recognise."
    >
      <div {...kept}>
        {list.status === 'loading' && (
          <>
            <RowsSkeleton label="Loading devices" rows={2} />
            <Skeleton className="mt-6 h-10 w-52" />
          </>
        )}
        {list.status === 'failed' && <LoadFailure error={list.error} onRetry={() => void reload()} />}
        {list.status === 'ready' && (
          <List
            devices={list.value}
            ending={ending}
            onEnd={(device, name) => void end(device.id, `${name} was signed out.`, () => endOne(device))}
          />
        )}
        {failure !== null && (
          <Notice tone="danger" title="The device is still signed in" className="mt-6">
            {sayProblem(failure).title}. Please try again in a moment.
          </Notice>
        )}
        {list.status === 'ready' && (
          <div className="mt-6 flex min-h-10 flex-wrap items-center gap-x-4 gap-y-3">
            {list.value.length > 1 ? (
              <Button
                look="secondary"
                busy={ending === OTHERS}
                onClick={() => void end(OTHERS, 'All other devices were signed out.', endOtherDevices)}
              >
                {ending === OTHERS ? 'Signing out…' : 'Sign out everywhere else'}
              </Button>
            ) : (
              <p className="text-sm text-muted">You are signed in on this device only.</p>
            )}
            <Done>{done}</Done>
          </div>
        )}
      </div>
    </Card>
  )
}

interface ListProps {
  devices: Device[]
  ending: string | null
  onEnd: (device: Device, name: string) => void
}

function List({ devices, ending, onEnd }: ListProps) {
  const now = useNow()
  return (
    <Rows label="Your devices">
      {devices.map((device) => {
        const busy = ending === device.id
        const end = (name: string, detailId: string) => (
          <Button
            look="secondary"
            size="sm"
            busy={busy}
            aria-label={busy ? `Signing out ${name}` : `Sign out ${name}`}
            aria-describedby={detailId}
            onClick={() => onEnd(device, name)}
          >
            Sign out
          </Button>
        )
        return (
          <DeviceRow
            key={device.id}
            device={device}
            now={now}
            since
            {...(!device.current && { action: end })}
          />
        )
      })}
    </Rows>
  )
}

/** One that is gone already is what was wanted. */
async function endOne({ id }: Device): Promise<void> {
  try {
    await endDevice(id)
  } catch (error) {
    if (!(error instanceof ProblemError && error.status === 404)) throw error
  }
}
