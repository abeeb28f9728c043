import { LockKeyhole } from 'lucide-react'
import { Outlet } from 'react-router'
import { MessagePage } from '@/components/message-page'
import { ButtonLink } from '@/components/ui/button'
import { useMember } from '@/lib/session/use-auth'

/**
 * Around the administrators' pages. It reads the role with every render, so that a change of role shows or hides
 * them at once. The server refuses their data.
 */
export function Component() {
  const { user } = useMember()
  if (user.role === 'admin') return <Outlet />
  return (
    <MessagePage
      icon={LockKeyhole}
      title="This page is for administrators"
      text="Your account is not one of theirs. If you need something from here, ask somebody who is."
    >
      <ButtonLink to="/dashboard" look="secondary">
        Go to your dashboard
      </ButtonLink>
    </MessagePage>
  )
}
