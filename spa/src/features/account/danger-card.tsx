import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'

/** Red only at the last step, which is not here. */
export function DangerCard({ onDelete }: { onDelete: () => void }) {
  return (
    <Card title="Delete account" description="It goes for good, and every device is signed out.">
      <Button look="secondary" aria-haspopup="dialog" onClick={onDelete}>
        Delete account…
      </Button>
    </Card>
  )
}
