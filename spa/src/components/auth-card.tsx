import type { ReactNode } from 'react'

interface AuthCardProps {
  title: string
  intro: string
  children: ReactNode
  /** Below the card: the way to the other page. */
  footer: ReactNode
}

/** The one column of the sign-in and sign-up pages. On a phone the card is the page. */
export function AuthCard({ title, intro, children, footer }: AuthCardProps) {
  return (
    <div className="mx-auto w-full max-w-[28rem] px-4 py-10 sm:py-20">
      <div className="sm:rounded-card sm:border sm:border-line sm:bg-surface sm:p-10 sm:shadow-card">
        <h1 className="text-2xl">{title}</h1>
        <p className="mt-2 text-muted">{intro}</p>
        <div className="mt-8">{children}</div>
      </div>
      <p className="mt-6 text-sm text-muted sm:text-center">{footer}</p>
    </div>
  )
}
