import clsx from 'clsx'
import { Monitor, Moon, Sun } from 'lucide-react'
import { useId } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const CHOICES = [
  { theme: 'system', label: 'Follow the system', icon: Monitor },
  { theme: 'light', label: 'Light', icon: Sun },
  { theme: 'dark', label: 'Dark', icon: Moon },
] as const

export function ThemeSwitch({ theme, onChange }: { theme: Theme; onChange: (theme: Theme) => void }) {
  const name = useId()
  return (
    <fieldset className="flex rounded-full border border-line bg-surface p-0.5">
      <legend className="sr-only">Theme</legend>
      {CHOICES.map((choice) => (
        <label
          key={choice.theme}
          title={choice.label}
          className={clsx(
            'relative flex size-7 cursor-pointer items-center justify-center rounded-full text-faint hover:text-ink',
            'has-checked:bg-hover has-checked:text-ink',
            'has-focus-visible:outline-2 has-focus-visible:outline-accent-ink',
          )}
        >
          <input
            type="radio"
            name={name}
            value={choice.theme}
            checked={theme === choice.theme}
            onChange={() => onChange(choice.theme)}
            aria-label={choice.label}
            className="absolute inset-0 cursor-pointer appearance-none opacity-0"
          />
          <choice.icon aria-hidden="true" className="size-4" />
        </label>
      ))}
    </fieldset>
  )
}
