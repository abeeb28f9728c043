import { Skeleton } from '@/components/ui/skeleton'

export function FormSkeleton() {
  return (
    <div className="mx-auto w-full max-w-[28rem] px-4 py-10 sm:py-20">
      <div className="space-y-6 sm:rounded-card sm:border sm:border-line sm:bg-surface sm:p-10 sm:shadow-card">
        <Skeleton className="h-8 w-32" />
        <Skeleton className="h-17" />
        <Skeleton className="h-17" />
        <Skeleton className="h-10" />
      </div>
    </div>
  )
}

export function DashboardSkeleton() {
  return (
    <div className="mx-auto w-full max-w-5xl px-4 py-10 sm:px-6">
      <Skeleton className="h-8 w-48" />
      <Skeleton className="mt-2 h-6 w-64 max-w-full" />
      <div className="mt-8 grid gap-6 md:grid-cols-2">
        <Skeleton className="h-72 rounded-card" />
        <Skeleton className="h-72 rounded-card" />
      </div>
      <Skeleton className="mt-6 h-96 rounded-card" />
    </div>
  )
}
