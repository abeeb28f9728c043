import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { PageTitle } from '@/components/page-title'

interface MessagePageProps {
  icon: LucideIcon
  title: string
  text: string
  /** The one thing to do next. */
  children: ReactNode
}

/** A page that says what happened and the one thing to do next. */
export function MessagePage({ icon: Icon, title, text, children }: MessagePageProps) {
  return (
    <div className="mx-auto flex w-full max-w-md flex-col items-center px-4 py-24 text-center sm:py-32">
      <PageTitle>{title}</PageTitle>
      <span className="flex size-12 items-center justify-center rounded-card border border-line bg-surface shadow-card">
        <Icon aria-hidden="true" className="size-6 text-muted" />
      </span>
      <h1 className="mt-6 text-2xl">{title}</h1>
      <p className="mt-2 text-pretty text-muted">{text}</p>
      <div className="mt-8">{children}</div>
    </div>
  )
}
