import { PageTitle } from '@/components/page-title'
import { ProfileCard } from '@/features/account/profile-card'
import { RecentActivity } from '@/features/account/recent-activity'
import { RecentDevices } from '@/features/account/recent-devices'
import { SessionCard } from '@/features/account/session-card'
import { useActivity } from '@/features/account/use-activity'
import { useDevices } from '@/features/account/use-devices'
import { CallPanel } from '@/features/demo/call-panel'
import { useMember } from '@/lib/session/use-auth'

export function Component() {
  const { user, session } = useMember()
  const devices = useDevices()
  const activity = useActivity()
  return (
    <div className="mx-auto w-full max-w-5xl px-4 py-10 sm:px-6">
      <PageTitle>Dashboard</PageTitle>
      <h1 className="text-2xl">Dashboard</h1>
      <p className="mt-2 text-muted">
        Who you are here, how long you stay, and what the APIs get to see of it.
      </p>
      <div className="mt-8 grid gap-6 *:min-w-0 md:grid-cols-2">
        <ProfileCard user={user} />
        <SessionCard session={session} devices={devices.list} />
        <div className="md:col-span-2">
          <CallPanel />
        </div>
        <RecentDevices devices={devices} />
        <RecentActivity activity={activity} ownId={user.id} />
      </div>
    </div>
  )
}
