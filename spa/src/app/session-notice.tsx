import { Hourglass } from 'lucide-react'
import { useAuth } from '@/lib/session/use-auth'
import { minuteOf } from '@/lib/time/words'

/** Says that the session is about to end by its age, for as long as there is time to act on it. */
export function SessionNotice() {
  const { session, expiring } = useAuth()
  return (
    <div role="status">
      {session && expiring && (
        <p className="flex items-center justify-center gap-2 border-b border-warning-line bg-warning-soft px-4 py-2 text-sm">
          <Hourglass aria-hidden="true" className="size-4 shrink-0 text-warning" />
          This session ends on {minuteOf(session.absoluteExpiresAt)}. Finish what you are doing, then sign in
          again.
        </p>
      )}
    </div>
  )
}
