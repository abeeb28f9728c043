import { useState } from 'react'
import type { Theme } from '@/components/ui/theme-switch'

/** Also read by public/theme.js, before the first paint. */
const KEY = 'theme'

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(remembered)
  return [
    theme,
    (next) => {
      setTheme(next)
      if (next === 'system') delete document.documentElement.dataset.theme
      else document.documentElement.dataset.theme = next
      remember(next)
    },
  ]
}

function remembered(): Theme {
  const { theme } = document.documentElement.dataset
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

function remember(theme: Theme): void {
  try {
    if (theme === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, theme)
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
}
