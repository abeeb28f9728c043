import { useLocation, useNavigate } from 'react-router'
import { AuthCard } from '@/components/auth-card'
import { PageTitle } from '@/components/page-title'
import { TextLink } from '@/components/ui/text-link'
import { SignUpForm } from '@/features/auth/sign-up-form'

export function Component() {
  const navigate = useNavigate()
  const { search } = useLocation() // keeps `next` on the way through
  return (
    <AuthCard
      title="Create your account"
      intro="An email and a good password will do."
      footer={
        <>
          Have an account? <TextLink to={`/signin${search}`}>Sign in</TextLink>
        </>
      }
    >
      <PageTitle>Create account</PageTitle>
      <SignUpForm onDone={(email) => void navigate(`/signin${search}`, { state: { registered: email } })} />
    </AuthCard>
  )
}
