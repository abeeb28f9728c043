/** Kinds of input whose loss nobody has to be told of. */
const CHEAP = new Set(['search', 'password', 'checkbox', 'radio'])

/**
 * Remembers where somebody has typed something that was not sent, so that a session that ends under their hands
 * can say that it is gone. Fields are looked at and never read out.
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
