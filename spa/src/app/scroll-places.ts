import { useEffect, useRef } from 'react'
import { useLocation, useNavigationType } from 'react-router'

/**
 * A new page starts at its top or at its hash, and back and forward lead to the place where it was left. The browser's own
 * way does the second before the page is there, on one that may be too short. Kept in memory, not in storage.
 */
export function useScrollPlaces(): void {
  const { pathname, hash, key } = useLocation()
  const arrival = useNavigationType()
  const places = useRef<Record<string, number>>({})
  const shown = useRef(key)
  const page = useRef('')

  useEffect(() => {
    const note = () => (places.current[shown.current] = scrollY)
    // For a reload the browser knows better.
    const giveBack = () => (history.scrollRestoration = 'auto')
    history.scrollRestoration = 'manual'
    addEventListener('scroll', note)
    addEventListener('pagehide', giveBack)
    return () => {
      removeEventListener('scroll', note)
      removeEventListener('pagehide', giveBack)
    }
  }, [])

  useEffect(() => {
    const before = page.current
    shown.current = key
    page.current = pathname + hash
    if (arrival === 'POP') {
      if (before) scrollTo(0, places.current[key] ?? 0)
    } else if (before !== pathname + hash) {
      // Otherwise a filter of a list has changed the address.
      const target = hash && document.getElementById(hash.slice(1))
      if (target) target.scrollIntoView()
      else scrollTo(0, 0)
    }
  }, [key, pathname, hash, arrival])
}
