import clsx from 'clsx'
import { lazy, Suspense, useEffect, useRef } from 'react'
import { Link, Outlet, useLocation, useNavigation } from 'react-router'
import { AccountMenu } from '@/app/account-menu'
import { ConnectionNotice } from '@/app/connection-notice'
import { useScrollPlaces } from '@/app/scroll-places'
import { useTheme } from '@/app/theme'
import { Logo } from '@/components/ui/logo'
import { ThemeSwitch } from '@/components/ui/theme-switch'
import { useAuth } from '@/lib/session/use-auth'

// The sign-in page does not need it.
const MainNav = lazy(() => import('@/app/main-nav'))

export function RootLayout() {
  const [theme, setTheme] = useTheme()
  const { pathname } = useLocation()
  const { state } = useNavigation()
  const { user } = useAuth()
  const onMembersPage = /^\/(dashboard|account|admin)\b/.test(pathname)
  useScrollPlaces()
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
        <div className="mx-auto flex max-w-5xl flex-wrap items-center gap-x-3 px-4 sm:gap-x-6 sm:px-6">
          <Link
            to="/"
            className="my-4 flex h-8 items-center gap-2.5 rounded-control text-base font-semibold tracking-tight"
          >
            <Logo className="size-7" />
            Gatehouse
          </Link>
          {(user || onMembersPage) && (
            <nav
              aria-label="Pages"
              // On a members' page its line is there before the session is known, so that nothing moves.
              className={clsx(
                'flex h-11 items-center gap-1 max-sm:order-last max-sm:-mx-4 max-sm:w-[calc(100%+2rem)] max-sm:border-t max-sm:border-line max-sm:px-2',
                !onMembersPage && 'max-sm:hidden',
              )}
            >
              <Suspense>{user && <MainNav admin={user.role === 'admin'} />}</Suspense>
            </nav>
          )}
          <div className="ml-auto flex items-center gap-2 sm:gap-3">
            {/* Last, because the menu comes once the session is known, and would push it aside. */}
            <AccountMenu />
            <ThemeSwitch theme={theme} onChange={setTheme} />
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
