import { useEffect, useState } from 'react'
import { serverNow } from '@/lib/api/server-clock'

/** The server's time in milliseconds, moving on every second. */
export function useNow(): number {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}
