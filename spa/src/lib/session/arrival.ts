/**
 * Whether the document was requested without a session's cookies, by the server's word (Server-Timing: session).
 * Then /me need not be requested.
 */
export function cameWithoutSession(): boolean {
  const [arrival] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  // A document from a cache, shown without a request, has an old header.
  if (!arrival || arrival.type === 'back_forward' || arrival.transferSize === 0) return false
  return arrival.serverTiming.some(({ name, description }) => name === 'session' && description === 'none')
}
