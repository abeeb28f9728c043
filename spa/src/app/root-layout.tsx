import { useEffect, useRef } from 'react'
import { Link, Outlet, useLocation, useNavigation } from 'react-router'
import { AccountMenu } from '@/app/account-menu'
import { ConnectionNotice } from '@/app/connection-notice'
import { useTheme } from '@/app/theme'
import { Logo } from '@/components/ui/logo'
import { ThemeSwitch } from '@/components/ui/theme-switch'

export function RootLayout() {
  const [theme, setTheme] = useTheme()
  const { pathname } = useLocation()
  const { state } = useNavigation()
  const main = useRef<HTMLElement>(null)
  const shown = useRef(pathname)

  useEffect(() => {
    if (shown.current === pathname) return
    shown.current = pathname
    // A screen reader would stay silent on a new page, and the keyboard start in the middle of nowhere.
    if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true })
  }, [pathname])

  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#main"
        className="absolute -top-12 left-4 z-10 rounded-control bg-accent px-4 py-2 text-on-accent focus:top-3"
      >
        Skip to content
      </a>
      <header className="border-b border-line bg-surface">
        <div className="mx-auto flex h-16 max-w-5xl items-center gap-3 px-4 sm:px-6">
          <Link
            to="/"
            className="flex items-center gap-2.5 rounded-control text-base font-semibold tracking-tight"
          >
            <Logo className="size-7" />
            Gatehouse
          </Link>
          <div className="ml-auto flex items-center gap-2 sm:gap-3">
            <ThemeSwitch theme={theme} onChange={setTheme} />
            <AccountMenu />
          </div>
        </div>
      </header>
      <ConnectionNotice />
      <main id="main" ref={main} tabIndex={-1} aria-busy={state !== 'idle'} className="flex-1 outline-none">
        <Outlet />
      </main>
    </div>
  )
}
