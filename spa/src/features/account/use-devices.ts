import { useCallback, useEffect, useRef, useState } from 'react'
import { fetchDevices, type Device } from '@/lib/api/account-api'

export type Loaded<T> =
  { status: 'loading' } | { status: 'failed'; error: unknown } | { status: 'ready'; value: T }

export interface Devices {
  list: Loaded<Device[]>
  /** Asks again; what is shown stays until the answer is there. */
  reload: () => Promise<void>
}

export function useDevices(): Devices {
  const [list, setList] = useState<Loaded<Device[]>>({ status: 'loading' })
  const asked = useRef(0)

  const load = useCallback(async () => {
    const mine = ++asked.current
    let next: Loaded<Device[]>
    try {
      next = { status: 'ready', value: thisOneFirst(await fetchDevices()) }
    } catch (error) {
      next = { status: 'failed', error }
    }
    // The answer to the last question counts, whichever comes last.
    if (mine === asked.current) setList(next)
  }, [])

  useEffect(() => void load(), [load])

  const reload = () => {
    setList((now) => (now.status === 'ready' ? now : { status: 'loading' }))
    return load()
  }

  return { list, reload }
}

function thisOneFirst(devices: Device[]): Device[] {
  return devices.toSorted(
    (a, b) => Number(b.current) - Number(a.current) || b.lastSeenAt.localeCompare(a.lastSeenAt),
  )
}
