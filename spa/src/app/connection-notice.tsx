import { WifiOff } from 'lucide-react'
import { useSyncExternalStore } from 'react'

/** Says that the browser is offline, for as long as it is. */
export function ConnectionNotice() {
  const online = useSyncExternalStore(subscribe, () => navigator.onLine)
  return (
    <div role="status">
      {!online && (
        <p className="flex items-center justify-center gap-2 border-b border-warning-line bg-warning-soft px-4 py-2 text-sm">
          <WifiOff aria-hidden="true" className="size-4 shrink-0 text-warning" />
          You are offline. What you see may be out of date.
        </p>
      )}
    </div>
  )
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('online', listener)
  window.addEventListener('offline', listener)
  return () => {
    window.removeEventListener('online', listener)
    window.removeEventListener('offline', listener)
  }
}
