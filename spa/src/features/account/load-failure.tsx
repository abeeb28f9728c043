import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { sayProblem } from '@/lib/api/problem-words'

/** In place of what could not be loaded. */
export function LoadFailure({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { title, text } = sayProblem(error)
  return (
    <Notice tone="danger" title={title}>
      <p>{text}</p>
      <Button look="secondary" size="sm" className="mt-3" onClick={onRetry}>
        Try again
      </Button>
    </Notice>
  )
}
