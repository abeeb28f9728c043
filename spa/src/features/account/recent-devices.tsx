import { DeviceRow } from './device-row'
import { RECENT, RecentCard } from './recent-card'
import { Rows } from './row'
import type { Devices } from './use-devices'
import type { Device } from '@/lib/api/schema'
import { useNow } from '@/lib/time/use-now'

/** The devices used last. Ending one is the account page's matter. */
export function RecentDevices({ devices: { list, reload } }: { devices: Devices }) {
  return (
    <RecentCard
      title="Your devices"
      loading="Loading devices"
      list={list}
      onRetry={() => void reload()}
      empty="Where you are signed in will be listed here."
      all={{
        to: '/account#devices',
        words: (now) =>
          now.status === 'ready' && now.value.length > RECENT
            ? `All ${now.value.length} devices`
            : 'Manage your devices',
      }}
    >
      {(newest) => <List devices={newest} />}
    </RecentCard>
  )
}

function List({ devices }: { devices: Device[] }) {
  const now = useNow()
  return (
    <Rows label="Your newest devices">
      {devices.map((device) => (
        <DeviceRow key={device.id} device={device} now={now} />
      ))}
    </Rows>
  )
}
