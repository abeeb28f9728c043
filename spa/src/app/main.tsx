import '@/app/strict-csp'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createBrowserRouter, RouterProvider } from 'react-router'

import { followSession } from '@/app/follow-session'
import { createRoutes } from '@/app/routes'
import { cameWithoutSession } from '@/lib/session/arrival'
import { createSessionSource } from '@/lib/session/session-source'
import { SessionContext } from '@/lib/session/use-auth'

const source = createSessionSource({ stranger: cameWithoutSession() })
source.start()
// Requests /me at once, beside the loading of the page's chunk. The guards handle its failure.
source.ready().catch(() => {})

const router = createBrowserRouter(createRoutes(source))
followSession(router, source)

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <SessionContext value={source}>
      <RouterProvider router={router} />
    </SessionContext>
  </StrictMode>,
)
