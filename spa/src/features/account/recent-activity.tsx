import { EventRows } from './event-rows'
import { RecentCard } from './recent-card'
import type { Activity } from './use-activity'

/** The latest events. */
export function RecentActivity({ activity: { page, reload }, ownId }: { activity: Activity; ownId: string }) {
  return (
    <RecentCard
      title="Recent activity"
      loading="Loading activity"
      list={page.status === 'ready' ? { status: 'ready', value: page.value.events } : page}
      onRetry={() => void reload()}
      empty="Nothing yet. Sign-ins and changes of your account will be listed here."
      all={{ to: '/account#activity', words: () => 'All activity' }}
    >
      {(newest) => <EventRows events={newest} ownId={ownId} />}
    </RecentCard>
  )
}
