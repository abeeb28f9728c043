import { PageTitle } from '@/components/page-title'
import { ProfileCard } from '@/features/account/profile-card'
import { SessionCard } from '@/features/account/session-card'
import { CallPanel } from '@/features/demo/call-panel'
import { useMember } from '@/lib/session/use-auth'

export function Component() {
  const { user, session } = useMember()
  return (
    <div className="mx-auto w-full max-w-5xl px-4 py-10 sm:px-6">
      <PageTitle>Dashboard</PageTitle>
      <h1 className="text-2xl">Dashboard</h1>
      <p className="mt-2 text-muted">
        Who you are here, how long you stay, and what the APIs get to see of it.
      </p>
      <div className="mt-8 grid gap-6 *:min-w-0 md:grid-cols-2">
        <ProfileCard user={user} />
        <SessionCard session={session} />
        <div className="md:col-span-2">
          <CallPanel />
        </div>
      </div>
    </div>
  )
}
