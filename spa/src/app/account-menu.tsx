import { lazy, Suspense } from 'react'
import { useLocation } from 'react-router'
import { ButtonLink } from '@/components/ui/button'
import { useAuth } from '@/lib/session/use-auth'

// The sign-in page does not need it.
const MemberMenu = lazy(() => import('@/app/member-menu'))

/** The end of the header: the way in, or the way out. */
export function AccountMenu() {
  const { status } = useAuth()
  const { pathname } = useLocation()
  if (status === 'signed-in') {
    return (
      <Suspense>
        <MemberMenu />
      </Suspense>
    )
  }
  const elsewhere = pathname !== '/signin' && pathname !== '/signup' && pathname !== '/'
  return status === 'signed-out' && elsewhere ? (
    <ButtonLink to="/signin" look="secondary" size="sm">
      Sign in
    </ButtonLink>
  ) : null
}
