import { useEffect, useId, useRef, type ReactNode } from 'react'

interface DialogProps {
  open: boolean
  title: string
  /** Asked for by Escape; the parent decides. */
  onClose: () => void
  children: ReactNode
}

/** The browser's own modal: it keeps the focus inside, and gives it back to where it was. */
export function Dialog({ open, title, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  const id = useId()

  useEffect(() => {
    const dialog = element.current
    if (!open || !dialog) return
    dialog.showModal()
    return () => dialog.close()
  }, [open])

  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      // Chrome closes on a second Escape without asking.
      onClose={(event) => {
        if (!open) return
        event.currentTarget.showModal()
        onClose()
      }}
      className="m-auto w-[calc(100%-2rem)] max-w-md rounded-card border border-line bg-surface p-6 text-ink shadow-card backdrop:bg-[rgb(8_9_12/0.55)]"
    >
      {open && (
        <>
          <h2 id={id} className="text-lg">
            {title}
          </h2>
          {children}
        </>
      )}
    </dialog>
  )
}
