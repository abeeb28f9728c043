/** A round trip, and what Date leaves out of a second, are no difference. */
const NOTICED_MS = 5000

let ahead = 0

/** Compares the clocks: `date` is the Date of an answer that has just come. */
export function setServerClock(date: string | null): void {
  const difference = Date.parse(date ?? '') - Date.now()
  ahead = Math.abs(difference) > NOTICED_MS ? difference : 0
}

/** The server's time in milliseconds, which its dates count by: many a laptop's own clock is minutes off. */
export function serverNow(): number {
  return Date.now() + ahead
}
