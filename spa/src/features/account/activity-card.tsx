import { useState } from 'react'
import { KINDS, ofKind, type Kind } from './event-kinds'
import { EventRows } from './event-rows'
import { LoadFailure } from './load-failure'
import { RowsSkeleton } from './row'
import type { Activity } from './use-activity'
import { useKeptFocus } from './use-kept-focus'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Select } from '@/components/ui/select'

export function ActivityCard({ activity, ownId }: { activity: Activity; ownId: string }) {
  const { page, reload, more, loadingMore, moreFailed } = activity
  const kept = useKeptFocus()
  const [kind, setKind] = useState<Kind>('all')
  const shown = page.status === 'ready' ? ofKind(page.value.events, kind) : []
  return (
    <Card
      anchor="activity"
      title="Activity"
      description="What has happened to your account, the newest first."
    >
      <div className="mb-6 sm:max-w-xs">
        <Select aria-label="Show" value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
          {Object.entries(KINDS).map(([name, words]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </Select>
      </div>
      <div {...kept}>
        {page.status === 'loading' && <RowsSkeleton label="Loading activity" rows={4} />}
        {page.status === 'failed' && <LoadFailure error={page.error} onRetry={() => void reload()} />}
        {page.status === 'ready' &&
          (shown.length > 0 ? (
            <EventRows events={shown} ownId={ownId} />
          ) : (
            <p className="text-sm text-muted">
              {kind === 'all'
                ? 'Nothing yet. Sign-ins, changes and devices signed out will be listed here.'
                : page.value.next
                  ? 'Nothing of this kind among the newest. There is more.'
                  : 'Nothing of this kind has happened.'}
            </p>
          ))}
        {page.status === 'ready' && page.value.next && (
          <div className="mt-6">
            {moreFailed === null ? (
              <Button look="secondary" busy={loadingMore} onClick={() => void more()}>
                {loadingMore ? 'Loading…' : 'Show more'}
              </Button>
            ) : (
              <LoadFailure error={moreFailed} onRetry={() => void more()} />
            )}
          </div>
        )}
      </div>
      <p role="status" className="sr-only">
        {shown.length > 0 && `${shown.length} ${shown.length === 1 ? 'event' : 'events'} shown`}
      </p>
    </Card>
  )
}
