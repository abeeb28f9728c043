import { Outlet } from 'react-router'
import { MembersSkeleton } from '@/app/page-skeletons'
import { SessionNotice } from '@/app/session-notice'
import { useAuth } from '@/lib/session/use-auth'

/**
 * Takes a member's data off the screen in the moment the session ends, while the router is still on its way
 * to the sign-in page. Keyed by session, so that the next one starts from nothing.
 */
export function Component() {
  const { session } = useAuth()
  if (!session) return <MembersSkeleton />
  return (
    <>
      <SessionNotice />
      <Outlet key={session.id} />
    </>
  )
}
