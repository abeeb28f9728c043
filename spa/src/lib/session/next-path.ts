/**
 * The place to return to after signing in: a path of this site, or null. The sender of a link chooses it, so
 * everything that a browser might read as another site is refused.
 */
export function localPath(next: string | null): string | null {
  if (!next || !isLocal(next)) return null
  const url = new URL(next, location.origin)
  if (url.origin !== location.origin) return null
  const path = url.pathname + url.search + url.hash
  // Resolving "/.//elsewhere.example" gives "//elsewhere.example", another site when it is parsed again.
  if (!isLocal(path)) return null
  // These pages lead away with a session: returning to them would be a loop.
  return ['/signin', '/signup', '/login', '/register'].includes(url.pathname) ? null : path
}

function isLocal(path: string): boolean {
  // oxlint-disable-next-line no-control-regex -- browsers drop tabs and line ends: "/\t/x" would be "//x"
  return /^\/(?!\/)[^\\\u0000-\u001f\u007f]*$/.test(path)
}
