import { PageTitle } from '@/components/page-title'
import { AccountList } from '@/features/admin/account-list'

export function Component() {
  return (
    <div className="mx-auto w-full max-w-5xl px-4 py-10 sm:px-6">
      <PageTitle>Users</PageTitle>
      <h1 className="text-2xl">Users</h1>
      <p className="mt-2 text-muted">
        Who has an account, and what they may do. A change takes effect at once.
      </p>
      <AccountList />
    </div>
  )
}
