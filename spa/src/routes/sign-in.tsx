import { useLocation } from 'react-router'
import { AuthCard } from '@/components/auth-card'
import { PageTitle } from '@/components/page-title'
import { Notice } from '@/components/ui/notice'
import { TextLink } from '@/components/ui/text-link'
import { END_WORDS } from '@/features/auth/end-words'
import { SignInForm } from '@/features/auth/sign-in-form'
import { useAuth } from '@/lib/session/use-auth'

/** Left by the sign-up page. In the router's state, so that no address shows up in a URL or a log. */
interface FromSignUp {
  registered: string
}

/** The server's redirect has the reason: it has cleared the cookies that /me would need. */
function words(reason: string | null) {
  return reason && Object.hasOwn(END_WORDS, reason) ? END_WORDS[reason as keyof typeof END_WORDS] : null
}

export function Component() {
  const { reason, unsent } = useAuth()
  const { search, state } = useLocation()
  const registered = (state as FromSignUp | null)?.registered
  const end = words(reason ?? new URLSearchParams(search).get('ended'))
  return (
    <AuthCard
      title="Sign in"
      intro="Welcome back."
      footer={
        <>
          New here? <TextLink to={`/signup${search}`}>Create an account</TextLink>
        </>
      }
    >
      <PageTitle>Sign in</PageTitle>
      {registered ? (
        <Notice tone="success" title="Your account is ready" className="mb-6">
          Sign in with the password you have just chosen.
        </Notice>
      ) : (
        end && (
          <Notice tone={end.tone} title={end.title} className="mb-6">
            {end.text}
            {unsent && ' What you had typed and not sent was not kept.'}
          </Notice>
        )
      )}
      <SignInForm email={registered} />
    </AuthCard>
  )
}
