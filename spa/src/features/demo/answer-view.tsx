import { Radio, Send } from 'lucide-react'
import { MethodTag } from './method-tag'
import type { Answer, CallState } from './use-call'
import { Badge, type BadgeTone } from '@/components/ui/badge'
import { Fact, Facts } from '@/components/ui/facts'
import { Notice } from '@/components/ui/notice'

export function AnswerView({ state }: { state: CallState }) {
  return (
    <section
      aria-label="Answer"
      aria-busy={state.phase === 'sending'}
      className="flex min-h-80 flex-col rounded-control border border-line bg-sunken"
    >
      {(state.phase === 'idle' || state.phase === 'sending') && (
        <div className="m-auto flex flex-col items-center gap-3 p-6 text-center text-sm text-muted">
          <Send aria-hidden="true" className="size-5" />
          {state.phase === 'idle' ? 'Send a call and its answer appears here.' : 'Waiting for the answer…'}
        </div>
      )}
      {state.phase === 'failed' && (
        <Notice tone="danger" title={state.words.title} className="m-4">
          {state.words.text}
        </Notice>
      )}
      {(state.phase === 'answered' || state.phase === 'streaming') && (
        <Answered answer={state.answer} live={state.phase === 'streaming'} />
      )}
    </section>
  )
}

function Answered({ answer, live }: { answer: Answer; live: boolean }) {
  const { call, status, ms, renewed, seen, body, events } = answer
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-3">
        <p className="mr-auto flex items-center gap-2 font-mono text-sm">
          <MethodTag method={call.method} />
          {call.path}
        </p>
        <p role="status" className="flex flex-wrap items-center gap-2">
          <Badge tone={toneOf(status)}>
            <span className="sr-only">Status </span>
            {status}
          </Badge>
          <Badge>{ms} ms</Badge>
          <Badge tone={renewed ? 'accent' : 'neutral'}>{RENEWED[String(renewed)]}</Badge>
        </p>
      </div>
      <div className="flex-1 space-y-4 p-4">
        {seen && (
          <div>
            <h3 className="mb-2 text-sm">What the API saw of you</h3>
            <div className="rounded-control border border-line bg-surface px-4 py-3">
              <Facts>
                <Fact name="Id">
                  <Code>{seen.id}</Code>
                </Fact>
                <Fact name="Role">{seen.role}</Fact>
                <Fact name="Audience">{seen.audience}</Fact>
                <Fact name="Request id">
                  <Code>{seen.requestId}</Code>
                </Fact>
              </Facts>
            </div>
          </div>
        )}
        {events ? <Events answer={answer} live={live} /> : <Body text={body} />}
      </div>
    </>
  )
}

const RENEWED: Record<string, string> = {
  true: 'Session renewed on the way',
  false: 'Session not renewed',
  null: 'Renewal unknown',
}

function toneOf(status: number): BadgeTone {
  if (status < 300) return 'success'
  return status < 500 ? 'warning' : 'danger'
}

function Body({ text }: { text: string }) {
  return (
    <div>
      <h3 className="mb-2 text-sm">Response body</h3>
      {/* Focusable, so that the keyboard can scroll it. */}
      <pre
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        aria-label="Response body"
        role="region"
        className="max-h-72 overflow-auto rounded-control border border-line bg-surface px-4 py-3 font-mono text-xs leading-5 whitespace-pre-wrap wrap-anywhere"
      >
        {text || '(empty)'}
      </pre>
    </div>
  )
}

function Events({ answer, live }: { answer: Answer; live: boolean }) {
  return (
    <div>
      <h3 className="mb-2 flex items-center gap-2 text-sm">
        <Radio aria-hidden="true" className={live ? 'size-4 text-success' : 'size-4 text-muted'} />
        {live ? 'Live' : 'Stopped'} · {answer.eventCount} {answer.eventCount === 1 ? 'event' : 'events'}
      </h3>
      <ol
        aria-label="Events, newest first"
        className="min-h-44 rounded-control border border-line bg-surface px-4 py-3 font-mono text-xs leading-5 wrap-anywhere"
      >
        {answer.events?.map((event, index) => (
          <li key={answer.eventCount - index}>{event}</li>
        ))}
      </ol>
    </div>
  )
}

function Code({ children }: { children: string }) {
  return <span className="font-mono text-xs">{children}</span>
}
