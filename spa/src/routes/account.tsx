import { useState } from 'react'
import { useNavigate } from 'react-router'
import { PageTitle } from '@/components/page-title'
import { Card } from '@/components/ui/card'
import { ActivityCard } from '@/features/account/activity-card'
import { DangerCard } from '@/features/account/danger-card'
import { DevicesCard } from '@/features/account/devices-card'
import { ProfileFormCard } from '@/features/account/profile-form-card'
import { useActivity } from '@/features/account/use-activity'
import { useDevices } from '@/features/account/use-devices'
import { ChangePasswordForm } from '@/features/auth/change-password-form'
import { DeleteAccountDialog } from '@/features/auth/delete-account-dialog'
import { useMember } from '@/lib/session/use-auth'

export function Component() {
  const { user, refresh } = useMember()
  const devices = useDevices()
  const activity = useActivity()
  const navigate = useNavigate()
  const [deleting, setDeleting] = useState(false)

  // The change itself is done: when this request fails, the page is a little out of date.
  const lookAgain = () => void refresh().catch(() => {})

  return (
    <div className="mx-auto w-full max-w-5xl px-4 py-10 sm:px-6">
      <PageTitle>Account</PageTitle>
      <h1 className="text-2xl">Account</h1>
      <p className="mt-2 text-muted">Who you are, how you sign in, and where you are signed in.</p>
      <div className="mt-8 grid gap-6 *:min-w-0 md:grid-cols-2">
        <ProfileFormCard
          user={user}
          onDone={() => {
            lookAgain()
            void activity.reload()
          }}
        />
        <Card title="Password">
          <ChangePasswordForm
            owner={user}
            onDone={() => {
              lookAgain()
              void devices.reload()
              void activity.reload()
            }}
          />
        </Card>
        <div className="space-y-6 md:col-span-2">
          <DevicesCard devices={devices} onDone={() => void activity.reload()} />
          <ActivityCard activity={activity} ownId={user.id} />
          <DangerCard onDelete={() => setDeleting(true)} />
        </div>
      </div>
      <DeleteAccountDialog
        open={deleting}
        email={user.email}
        onClose={() => setDeleting(false)}
        onDone={async () => {
          // Before the session's end is known, or the guard would lead to the sign-in page.
          const left = navigate('/', { replace: true, state: { deleted: true } })
          lookAgain()
          await left
        }}
      />
    </div>
  )
}
