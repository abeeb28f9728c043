import { useCallback } from 'react'
import { useSearchParams } from 'react-router'
import { listEvents } from './admin-api'
import { EventRow } from './event-row'
import { EVENT_WORDS } from './event-words'
import { countWords, ListFrame, ListRow } from './list-frame'
import { usePages } from './use-pages'
import { useQueryText, withParam } from './use-query-text'
import { Button } from '@/components/ui/button'
import { Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { Select } from '@/components/ui/select'

export function EventList() {
  const [params, setParams] = useSearchParams()
  const type = params.get('type') ?? ''
  const [text, user, setText] = useQueryText('user')
  const load = useCallback(
    (cursor: string | null, signal: AbortSignal) => listEvents({ user, type }, cursor, signal),
    [user, type],
  )
  const pages = usePages(load)
  const setParam = (name: string, value: string) =>
    setParams((now) => withParam(now, name, value), { replace: true, preventScrollReset: true })
  const filtered = type !== '' || user !== ''

  return (
    <>
      <div className="mt-8 grid gap-4 sm:grid-cols-2 md:max-w-2xl">
        <Field label="What happened">
          {(control) => (
            <Select {...control} value={type} onChange={(event) => setParam('type', event.target.value)}>
              <option value="">Everything</option>
              {Object.entries(EVENT_WORDS).map(([name, { words }]) => (
                <option key={name} value={name}>
                  {words}
                </option>
              ))}
              {/* An address may name one that this page has no words for. */}
              {type && !(type in EVENT_WORDS) && <option value={type}>{type}</option>}
            </Select>
          )}
        </Field>
        <Field label="To whom (account id)">
          {(control) => (
            <Input
              {...control}
              type="search"
              placeholder="Anybody"
              value={text}
              onChange={(event) => setText(event.target.value)}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          )}
        </Field>
      </div>
      <div className="my-4 flex min-h-8 flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <p role="status" className="text-sm text-muted">
          {countWords(pages, 'event', 'events')}
        </p>
        {filtered && (
          <Button
            look="secondary"
            size="sm"
            onClick={() => setParams({}, { replace: true, preventScrollReset: true })}
          >
            Clear the filters
          </Button>
        )}
      </div>
      <ListFrame
        label="Events"
        pages={pages}
        skeleton="h-30"
        empty={
          filtered
            ? 'Nothing like this has happened.'
            : 'What happens to accounts and sessions is listed here.'
        }
      >
        {pages.items?.map((event) => (
          <ListRow key={event.id}>
            <EventRow event={event} onUser={setText} />
          </ListRow>
        ))}
      </ListFrame>
    </>
  )
}
