import { useEffect, useRef } from 'react'

/**
 * For an element whose buttons go when they have done their work: the focus goes to the element then, instead
 * of being lost to the top of the page.
 */
export function useKeptFocus() {
  const element = useRef<HTMLDivElement>(null)
  // React fires no blur when it removes the element with the focus.
  const inside = useRef(false)
  useEffect(() => {
    if (inside.current && document.activeElement === document.body) {
      element.current?.focus({ preventScroll: true })
    }
  })
  return {
    ref: element,
    tabIndex: -1,
    onFocus: () => void (inside.current = true),
    onBlur: () => void (inside.current = false),
    className: 'outline-none',
  }
}
