import { PageTitle } from '@/components/page-title'
import { EventList } from '@/features/admin/event-list'

export function Component() {
  return (
    <div className="mx-auto w-full max-w-5xl px-4 py-10 sm:px-6">
      <PageTitle>Audit trail</PageTitle>
      <h1 className="text-2xl">Audit trail</h1>
      <p className="mt-2 text-muted">What happened to accounts and sessions, the newest first.</p>
      <EventList />
    </div>
  )
}
