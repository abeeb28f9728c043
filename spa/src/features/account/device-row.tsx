import { Monitor, Smartphone, Terminal } from 'lucide-react'
import type { ReactNode } from 'react'
import { ago } from './ago'
import { Row } from './row'
import { readUserAgent, sayClient } from './user-agent'
import { Badge } from '@/components/ui/badge'
import type { Device } from '@/lib/api/schema'
import { dayOf } from '@/lib/time/words'

const ICONS = { desktop: Monitor, phone: Smartphone, program: Terminal }

interface DeviceRowProps {
  device: Device
  now: number
  /** Says since when it has been signed in, where there is space. */
  since?: boolean
  /** The action for it, given its name and the id of its description. */
  action?: (name: string, detailId: string) => ReactNode
}

export function DeviceRow({ device, now, since = false, action }: DeviceRowProps) {
  const client = readUserAgent(device.userAgent)
  const name = sayClient(client)
  const detailId = `device-${device.id}`
  return (
    <Row
      icon={ICONS[client.kind]}
      detailId={detailId}
      title={
        <>
          {name}
          {device.current && <Badge tone="success">This device</Badge>}
        </>
      }
      action={action?.(name, detailId)}
    >
      {device.current ? 'Active now' : `Last seen ${ago(device.lastSeenAt, now)}`}
      {device.ip && (
        <>
          {' '}
          · <span className="inline-block">{device.ip}</span>
        </>
      )}
      {since && <span className="max-sm:hidden"> · since {dayOf(device.createdAt)}</span>}
    </Row>
  )
}
