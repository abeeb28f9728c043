/** Kinds of input whose loss is not worth a message. */
const CHEAP = new Set(['search', 'password', 'checkbox', 'radio'])

/**
 * Remembers the fields with text that was typed and not sent, so that the page can say that it is lost when the
 * session ends. Fields are looked at and never read out.
 */
export function followTyping(): { unsent: () => boolean; stop: () => void } {
  const touched = new Set<HTMLInputElement | HTMLTextAreaElement>()

  function onInput({ target }: Event): void {
    for (const field of touched) if (!field.isConnected) touched.delete(field)
    const text = target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement
    if (text && !CHEAP.has(target.type)) touched.add(target)
  }

  function onSubmit({ target }: Event): void {
    for (const field of touched) if (field.form === target) touched.delete(field)
  }

  document.addEventListener('input', onInput, true)
  document.addEventListener('submit', onSubmit, true)
  return {
    unsent: () => [...touched].some((field) => field.isConnected && field.value !== ''),
    stop() {
      document.removeEventListener('input', onInput, true)
      document.removeEventListener('submit', onSubmit, true)
    },
  }
}
