/** The everyday name of a device. */
export interface Client {
  /** "Firefox", or null. */
  browser: string | null
  /** "Windows", or null. */
  system: string | null
  kind: 'desktop' | 'phone' | 'program'
}

type Table = readonly (readonly [RegExp, string])[]

// Each claims to be the ones below it: Edge says Chrome, Chrome says Safari. The first that matches is it.
const BROWSERS: Table = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\b(OPR|OPT|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Chrome|CriOS|Chromium|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/[\d.]+ .*\bSafari\//, 'Safari'],
]

const PROGRAMS: Table = [
  [/^curl\//, 'curl'],
  [/^Wget\//, 'Wget'],
  [/^PostmanRuntime\//, 'Postman'],
  [/^(python-requests|Python-urllib|aiohttp)\//, 'Python'],
  [/^(Go-http-client|okhttp|node|undici|axios)\b/, 'A program'],
]

// Android says Linux, iPhones say Mac OS X.
const SYSTEMS: Table = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
]

/** The client chooses the text, so nothing of it is shown: only words from these tables. */
export function readUserAgent(text: string): Client {
  const program = find(PROGRAMS, text)
  if (program) return { browser: program, system: null, kind: 'program' }
  const system = find(SYSTEMS, text)
  const phone = system === 'iPhone' || system === 'iPad' || system === 'Android'
  return { browser: find(BROWSERS, text), system, kind: phone ? 'phone' : 'desktop' }
}

/** "Firefox on Windows" */
export function sayClient({ browser, system, kind }: Client): string {
  if (kind === 'program') return browser ?? 'A program'
  if (!browser && !system) return 'Unknown browser'
  return system ? `${browser ?? 'A browser'} on ${system}` : `${browser}`
}

function find(table: Table, text: string): string | null {
  return table.find(([pattern]) => pattern.test(text))?.[1] ?? null
}
