import { redirect, type RouteObject } from 'react-router'
import { guestsOnly, membersOnly } from '@/app/guards'
import { FormSkeleton, MembersSkeleton } from '@/app/page-skeletons'
import { RootLayout } from '@/app/root-layout'
import { RouteError } from '@/app/route-error'
import type { SessionSource } from '@/lib/session/session-source'

/** Every page there is. Each is a chunk of its own, loaded while its guard is waiting for the server. */
export function createRoutes(source: SessionSource): RouteObject[] {
  return [
    {
      Component: RootLayout,
      ErrorBoundary: RouteError,
      children: [
        {
          // Between the layout and the pages, so that an error keeps the page's frame.
          ErrorBoundary: RouteError,
          HydrateFallback: () => null,
          children: [
            { index: true, lazy: () => import('@/routes/home') },
            {
              HydrateFallback: FormSkeleton,
              children: [
                { path: 'signin', loader: guestsOnly(source), lazy: () => import('@/routes/sign-in') },
                { path: 'signup', loader: guestsOnly(source), lazy: () => import('@/routes/sign-up') },
              ],
            },
            {
              lazy: () => import('@/app/members-layout'),
              HydrateFallback: MembersSkeleton,
              children: [
                { path: 'dashboard', loader: membersOnly(source), lazy: () => import('@/routes/dashboard') },
                { path: 'account', loader: membersOnly(source), lazy: () => import('@/routes/account') },
                {
                  loader: membersOnly(source),
                  lazy: () => import('@/routes/admin'),
                  children: [
                    { path: 'admin/users', lazy: () => import('@/routes/admin-users') },
                    { path: 'admin/audit', lazy: () => import('@/routes/admin-audit') },
                  ],
                },
              ],
            },
            // The server redirects these too; this is for links within the app.
            {
              path: 'login',
              element: null,
              loader: ({ request }) => redirect(`/signin${new URL(request.url).search}`),
            },
            { path: 'register', element: null, loader: () => redirect('/signup') },
            { path: '*', lazy: () => import('@/routes/not-found') },
          ],
        },
      ],
    },
  ]
}
