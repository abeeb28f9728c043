import { AnswerView } from './answer-view'
import { CALLS, callSchema, type Call } from './calls'
import { MethodTag } from './method-tag'
import { useCall } from './use-call'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { useForm } from '@/lib/use-form'

/** Calls an API behind the proxy, to see with one's own eyes what arrives there. */
export function CallPanel() {
  const { state, send, stop } = useCall()
  const form = useForm({
    schema: callSchema,
    initial: { call: 'me', text: '' },
    async onSubmit({ call: id, text }) {
      const call = CALLS.find((one) => one.id === id)
      if (call && (await send(call, text)) && text) form.set('text', '')
    },
  })
  const chosen = form.values.call
  const streaming = state.phase === 'streaming'
  const sending = state.phase === 'sending'

  const choose = (call: Call) => {
    stop()
    form.set('call', call.id)
  }

  return (
    <Card
      title="Call an API"
      description="Each goes to the demo API behind Gatehouse, with your cookies kept back and a signed identity put in their place."
    >
      <div className="grid gap-6 md:grid-cols-[minmax(0,22rem)_minmax(0,1fr)]">
        <form {...form.props} aria-label="Call an API" className="space-y-4">
          <fieldset className="divide-y divide-line overflow-hidden rounded-control border border-line">
            <legend className="sr-only">Route</legend>
            {CALLS.map((call) => (
              <Choice key={call.id} call={call} chosen={call.id === chosen} onChoose={() => choose(call)} />
            ))}
          </fieldset>
          {chosen === 'add-note' && (
            <Field label="Text of the note" error={form.errors.text}>
              {(control) => <Input {...control} {...form.text('text')} autoComplete="off" maxLength={500} />}
            </Field>
          )}
          {streaming ? (
            <Button key="stop" look="secondary" onClick={stop} className="w-full">
              Stop the stream
            </Button>
          ) : (
            <Button key="send" type="submit" busy={sending} className="w-full">
              {sending ? 'Sending…' : chosen === 'clock' ? 'Start the stream' : 'Send'}
            </Button>
          )}
        </form>
        <AnswerView state={state} />
      </div>
    </Card>
  )
}

function Choice({ call, chosen, onChoose }: { call: Call; chosen: boolean; onChoose: () => void }) {
  return (
    <label className="flex cursor-pointer items-center gap-3 px-3 py-2.5 hover:bg-hover has-checked:bg-accent-soft">
      <input type="radio" name="call" value={call.id} checked={chosen} onChange={onChoose} className="tick" />
      <span className="min-w-0">
        <span className="flex items-center gap-2 font-mono text-sm">
          <MethodTag method={call.method} />
          {call.path}
        </span>
        <span className="block text-sm text-muted">{call.about}</span>
      </span>
    </label>
  )
}
