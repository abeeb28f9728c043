import clsx from 'clsx'
import { LoaderCircle } from 'lucide-react'
import type { ComponentProps, MouseEvent } from 'react'
import { Link } from 'react-router'

type Look = 'primary' | 'secondary' | 'danger'
type Size = 'sm' | 'md' | 'lg'

const BASE =
  'inline-flex items-center justify-center gap-2 rounded-control font-medium whitespace-nowrap select-none ' +
  'transition-colors duration-100 aria-disabled:cursor-not-allowed'
const LOOKS: Record<Look, string> = {
  primary: 'bg-accent text-on-accent shadow-button not-aria-disabled:hover:bg-accent-hover',
  danger: 'bg-danger text-surface shadow-button not-aria-disabled:hover:bg-danger-hover',
  secondary: 'border border-line-strong bg-surface text-ink shadow-button not-aria-disabled:hover:bg-hover',
}
/** Busy keeps its look: it is about to be done. */
const DISABLED = 'border border-line bg-hover text-muted'
const SIZES: Record<Size, string> = {
  sm: 'h-8 px-3 text-sm',
  md: 'h-10 px-4 text-body',
  lg: 'h-11 px-5 text-base',
}

interface Shape {
  look?: Look
  size?: Size
}

interface ButtonProps extends ComponentProps<'button'>, Shape {
  /** Shows that its action is under way; it cannot be pressed again. */
  busy?: boolean
}

/**
 * A disabled or busy button keeps the focus and is announced (aria-disabled); the `disabled` attribute would
 * move the keyboard's focus back to the top of the page in the middle of a form.
 */
export function Button({
  look = 'primary',
  size = 'md',
  busy = false,
  disabled = false,
  className,
  children,
  onClick,
  ...rest
}: ButtonProps) {
  const blocked = busy || disabled
  const click = (event: MouseEvent<HTMLButtonElement>) => {
    if (blocked) event.preventDefault()
    else onClick?.(event)
  }
  return (
    <button
      type="button"
      {...rest}
      onClick={click}
      aria-disabled={blocked || undefined}
      className={clsx(BASE, disabled ? DISABLED : LOOKS[look], SIZES[size], className)}
    >
      {busy && <LoaderCircle aria-hidden="true" className="size-4 animate-spin" />}
      {children}
    </button>
  )
}

export function ButtonLink({
  look = 'primary',
  size = 'md',
  className,
  ...rest
}: ComponentProps<typeof Link> & Shape) {
  return <Link {...rest} className={clsx(BASE, LOOKS[look], SIZES[size], className)} />
}
