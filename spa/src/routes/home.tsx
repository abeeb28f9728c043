import { useLocation } from 'react-router'
import { FlowDiagram } from '@/components/flow-diagram'
import { PageTitle } from '@/components/page-title'
import { ButtonLink } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { Skeleton } from '@/components/ui/skeleton'
import { useAuth } from '@/lib/session/use-auth'

/** Left by the account page. In the router's state, so that no link can say it. */
interface FromAccount {
  deleted: true
}

export function Component() {
  const { state } = useLocation()
  const deleted = (state as FromAccount | null)?.deleted
  return (
    <div className="mx-auto w-full max-w-5xl px-4 py-12 sm:px-6 sm:py-20">
      <PageTitle>Sign-in that keeps tokens out of the browser</PageTitle>
      {deleted && (
        <Notice tone="success" title="Your account is deleted" className="mx-auto mb-10 max-w-md">
          Every device is signed out. Thank you for having been here.
        </Notice>
      )}
      <div className="mx-auto max-w-2xl text-center">
        <h1 className="text-4xl leading-[1.1] tracking-tight sm:text-5xl">Tokens stay out of the browser.</h1>
        <p className="mx-auto mt-5 max-w-xl text-lg leading-7 text-pretty text-muted">
          Gatehouse signs people in, keeps their session in cookies that no script can read, and calls your
          APIs in their name.
        </p>
        <div className="mt-8 flex min-h-11 flex-col justify-center gap-3 sm:flex-row">
          <Entrance />
        </div>
      </div>
      <FlowDiagram className="mt-12 sm:mt-16" />
    </div>
  )
}

function Entrance() {
  const { status, problem } = useAuth()
  if (status === 'signed-in') {
    return (
      <ButtonLink to="/dashboard" size="lg">
        Open dashboard
      </ButtonLink>
    )
  }
  // While loading, keep the space; after a failure, offer the links for visitors.
  if (status === 'loading' && !problem) return <Skeleton className="h-25 w-full sm:h-11 sm:w-64" />
  return (
    <>
      <ButtonLink to="/signup" size="lg">
        Create account
      </ButtonLink>
      <ButtonLink to="/signin" size="lg" look="secondary">
        Sign in
      </ButtonLink>
    </>
  )
}
