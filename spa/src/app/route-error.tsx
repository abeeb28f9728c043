import { ServerCrash, WifiOff } from 'lucide-react'
import { useRevalidator, useRouteError } from 'react-router'
import { MessagePage } from '@/components/message-page'
import { Button } from '@/components/ui/button'
import { ProblemError } from '@/lib/api/auth-fetch'
import { sayProblem } from '@/lib/api/problem-words'

/** In place of a page that could not be shown. */
export function RouteError() {
  const error = useRouteError()
  const { revalidate, state } = useRevalidator()
  if (error instanceof ProblemError) {
    const { title, text } = sayProblem(error)
    const icon = error.status === 0 ? WifiOff : ServerCrash
    const busy = state === 'loading'
    return (
      <MessagePage icon={icon} title={title} text={text}>
        <Button busy={busy} onClick={() => void revalidate()}>
          {busy ? 'Trying again…' : 'Try again'}
        </Button>
      </MessagePage>
    )
  }
  // A bug, or a chunk that a new release has replaced: in both cases a fresh page is the cure.
  return (
    <MessagePage
      icon={ServerCrash}
      title="This page could not be shown"
      text="It may have been updated while you were away. Loading it again usually helps."
    >
      <Button onClick={() => location.reload()}>Load again</Button>
    </MessagePage>
  )
}
