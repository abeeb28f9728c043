import { useState } from 'react'
import * as z from 'zod/mini'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Done } from '@/components/ui/done'
import { Fact, Facts } from '@/components/ui/facts'
import { Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { Notice } from '@/components/ui/notice'
import { rename } from '@/lib/api/account-api'
import type { User } from '@/lib/api/auth-api'
import { sayProblem, type Words } from '@/lib/api/problem-words'
import { dayOf } from '@/lib/time/words'
import { fieldErrorsOf, useForm } from '@/lib/use-form'

/** The server decides which names are valid: any text, or none. */
const schema = z.object({ name: z.string().check(z.trim()) })

export function ProfileFormCard({ user, onDone }: { user: User; onDone: () => void }) {
  const [problem, setProblem] = useState<Words | null>(null)
  const [saved, setSaved] = useState(false)

  const form = useForm({
    schema,
    initial: { name: user.name },
    async onSubmit({ name }) {
      setProblem(null)
      try {
        form.set('name', (await rename(name)).name)
      } catch (error) {
        const found = fieldErrorsOf(error, ['name'])
        if (found) form.refuse(found)
        else setProblem(sayProblem(error))
        return
      }
      setSaved(true)
      onDone()
    },
  })

  return (
    <Card title="Profile">
      <form {...form.props} onChange={() => setSaved(false)} aria-label="Profile" className="space-y-5">
        {problem && (
          <Notice tone="danger" title={problem.title}>
            {problem.text}
          </Notice>
        )}
        <Field label="Name" error={form.errors.name}>
          {(control) => <Input {...control} {...form.text('name')} autoComplete="name" />}
        </Field>
        <div className="flex min-h-10 flex-wrap items-center gap-x-4 gap-y-3">
          <Button type="submit" busy={form.busy}>
            {form.busy ? 'Saving…' : 'Save name'}
          </Button>
          <Done>{saved && 'Name saved.'}</Done>
        </div>
      </form>
      <div className="mt-8">
        <Facts>
          <Fact name="Email">{user.email}</Fact>
          <Fact name="Role">
            <Badge tone={user.role === 'admin' ? 'accent' : 'neutral'}>{user.role}</Badge>
          </Fact>
          <Fact name="Member since">{dayOf(user.createdAt)}</Fact>
        </Facts>
      </div>
    </Card>
  )
}
