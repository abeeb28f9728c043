import { ArrowBigUpDash } from 'lucide-react'
import { useState, type KeyboardEvent, type ReactNode } from 'react'

interface CapsLock {
  /** Goes on the input. */
  handlers: {
    onKeyDown: (event: KeyboardEvent) => void
    onKeyUp: (event: KeyboardEvent) => void
  }
  /** Empty while Caps Lock is off. Always in the page, so that a screen reader announces its text. */
  hint: ReactNode
}

export function useCapsLock(): CapsLock {
  const [on, setOn] = useState(false)
  const look = (event: KeyboardEvent) => setOn(event.getModifierState('CapsLock'))
  return {
    handlers: { onKeyDown: look, onKeyUp: look },
    hint: (
      <span role="status" className="text-warning">
        {on && (
          <span className="flex items-center gap-1">
            <ArrowBigUpDash aria-hidden="true" className="size-4" />
            Caps Lock is on
          </span>
        )}
      </span>
    ),
  }
}
