import { useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'

const DEBOUNCE_MS = 250

/**
 * A text field that is a parameter of the page's address: text that is typed gets there after a pause, other
 * changes of the address get into the field. Gives the field's text, the address's, and the way to change both.
 */
export function useQueryText(name: string): [text: string, asked: string, set: (text: string) => void] {
  const [params, setParams] = useSearchParams()
  const asked = params.get(name) ?? ''
  const [text, setText] = useState(asked)
  const [seen, setSeen] = useState(asked)
  const [sent, setSent] = useState<string | null>(null)

  if (asked !== seen) {
    setSeen(asked)
    // Its own echo must not take away what was typed since.
    if (asked !== sent) setText(asked)
    // Counts once: the same text again is a return to it.
    setSent(null)
  }

  useEffect(() => {
    const next = text.trim()
    if (next === asked) return
    const timer = setTimeout(() => {
      setSent(next)
      setParams((now) => withParam(now, name, next), { replace: true, preventScrollReset: true })
    }, DEBOUNCE_MS)
    return () => clearTimeout(timer)
  }, [text, asked, name, setParams])

  return [text, asked, setText]
}

export function withParam(params: URLSearchParams, name: string, value: string): URLSearchParams {
  const next = new URLSearchParams(params)
  if (value) next.set(name, value)
  else next.delete(name)
  return next
}
