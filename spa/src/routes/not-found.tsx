import { Signpost } from 'lucide-react'
import { MessagePage } from '@/components/message-page'
import { ButtonLink } from '@/components/ui/button'

export function Component() {
  return (
    <MessagePage
      icon={Signpost}
      title="Page not found"
      text="There is nothing at this address. It may have moved, or the link has a typo."
    >
      <ButtonLink to="/" look="secondary">
        Go to the start page
      </ButtonLink>
    </MessagePage>
  )
}
