// The interface is English, so are its dates, whatever the browser prefers.
const LOCALE = 'en-GB'
const day = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'long' })
const minute = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'short' })
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: 'always' })

/** "21 November 2026" */
export function dayOf(time: string): string {
  return day.format(new Date(time))
}

/** "21 Nov 2026, 22:30" */
export function minuteOf(time: string): string {
  return minute.format(new Date(time))
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

/** "in 7 days" */
export function distanceTo(time: string, now: number): string {
  const seconds = Math.round((Date.parse(time) - now) / 1000)
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit)
  }
  return relative.format(seconds, 'second')
}

/** "12:41" to go, or null when the time has come. */
export function countdownTo(time: string, now: number): string | null {
  const seconds = Math.ceil((Date.parse(time) - now) / 1000)
  if (!(seconds > 0)) return null
  const hours = Math.floor(seconds / 3600)
  const two = (n: number) => String(n).padStart(2, '0')
  const rest = `${hours ? two(Math.floor((seconds % 3600) / 60)) : Math.floor(seconds / 60)}:${two(seconds % 60)}`
  return hours ? `${hours}:${rest}` : rest
}
