import { LogOut, UserRound } from 'lucide-react'
import { useState } from 'react'
import { NavLink } from 'react-router'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { sayProblem } from '@/lib/api/problem-words'
import { useAuth } from '@/lib/session/use-auth'

/** The end of the header for a member: the account, and the way out. */
export default function MemberMenu() {
  const auth = useAuth()
  const [leaving, setLeaving] = useState(false)
  const [failure, setFailure] = useState<unknown>(null)

  const signOut = async () => {
    setLeaving(true)
    setFailure(null)
    try {
      await auth.signOut()
    } catch (error) {
      setFailure(error)
    } finally {
      setLeaving(false)
    }
  }

  return (
    <>
      <NavLink
        to="/account"
        className="flex h-8 items-center rounded-control px-2 text-sm font-medium text-muted hover:text-ink aria-[current=page]:text-ink sm:px-3"
      >
        <UserRound aria-hidden="true" className="size-4 sm:hidden" />
        <span className="max-sm:sr-only">Account</span>
      </NavLink>
      <Button look="secondary" size="sm" busy={leaving} onClick={() => void signOut()}>
        {!leaving && <LogOut aria-hidden="true" className="size-4 text-muted" />}
        <span className="max-sm:sr-only">{leaving ? 'Signing out…' : 'Sign out'}</span>
      </Button>
      {failure !== null && (
        <div className="fixed inset-x-4 bottom-4 z-10 mx-auto max-w-md rounded-control bg-surface shadow-card">
          <Notice tone="danger" title="You are still signed in">
            {sayProblem(failure).title}. Please sign out again in a moment.
          </Notice>
        </div>
      )}
    </>
  )
}
