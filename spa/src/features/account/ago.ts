import { distanceTo } from '@/lib/time/words'

/** "2 hours ago". A minute is nothing, and neither is a clock that goes a little wrong. */
export function ago(time: string, now: number): string {
  return now - Date.parse(time) < 60_000 ? 'just now' : distanceTo(time, now)
}
