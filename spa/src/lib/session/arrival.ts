/**
 * Whether the server saw that the document was asked for without a session's cookies (Server-Timing: session). Then it
 * is known who is there: nobody.
 */
export function cameWithoutSession(): boolean {
  const [arrival] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  // A document that was kept, and shown again without a question, tells of its own time.
  if (!arrival || arrival.type === 'back_forward' || arrival.transferSize === 0) return false
  return arrival.serverTiming.some(({ name, description }) => name === 'session' && description === 'none')
}
