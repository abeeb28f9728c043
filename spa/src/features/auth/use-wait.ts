import { useEffect, useState } from 'react'

/** Counts down whole seconds: how many are left, and the function that starts it. */
export function useWait(): [number, (seconds: number) => void] {
  const [until, setUntil] = useState(0)
  const [left, setLeft] = useState(0)
  useEffect(() => {
    if (until === 0) return
    const timer = setInterval(() => {
      // By the clock, because a tab in the background is woken rarely.
      const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000))
      setLeft(seconds)
      if (seconds === 0) setUntil(0)
    }, 250)
    return () => clearInterval(timer)
  }, [until])
  return [
    left,
    (seconds) => {
      setLeft(seconds)
      setUntil(seconds > 0 ? Date.now() + seconds * 1000 : 0)
    },
  ]
}
