// Runs before the first paint. The page may keep nothing in browser storage but this one word.
try {
  const theme = localStorage.getItem('theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Storage is blocked: follow the system.
}
