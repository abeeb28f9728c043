import { changeAccount, endSessions, type Account } from './admin-api'

/** The changes that an administrator can make to an account. */
export type Change = 'make-admin' | 'make-user' | 'disable' | 'enable' | 'sign-out'

export interface ChangeWords {
  title: string
  /** The effect, also on the sessions. */
  text: string
  /** Instead of a shrug, when it is one's own account. */
  warning: string | undefined
  confirm: string
  doing: string
  done: string
  danger: boolean
}

export function sayChange(change: Change, account: Account, own: boolean): ChangeWords {
  const who = account.name || account.email
  switch (change) {
    case 'make-admin':
      return {
        title: `Make ${who} an administrator?`,
        text: 'They will be able to manage every account and read the audit trail. They stay signed in, and have the new role at once.',
        warning: undefined,
        confirm: 'Make administrator',
        doing: 'Changing…',
        done: `${who} is an administrator now.`,
        danger: false,
      }
    case 'make-user':
      return {
        title: `Make ${who} a user?`,
        text: 'They will no longer be able to manage accounts. They stay signed in, and have the new role at once.',
        warning: own ? 'You will leave these pages at once, and cannot undo it yourself.' : undefined,
        confirm: 'Make user',
        doing: 'Changing…',
        done: `${who} is a user now.`,
        danger: own,
      }
    case 'disable':
      return {
        title: `Disable ${who}?`,
        text: 'All of their sessions end at once, and they cannot sign in until the account is enabled again. Nothing is deleted.',
        warning: own
          ? 'You will be signed out at once, and only somebody else can let you in again.'
          : undefined,
        confirm: 'Disable',
        doing: 'Disabling…',
        done: `${who} is disabled and signed out everywhere.`,
        danger: true,
      }
    case 'enable':
      return {
        title: `Enable ${who}?`,
        text: 'They can sign in again, with the password and the role that they had.',
        warning: undefined,
        confirm: 'Enable',
        doing: 'Enabling…',
        done: `${who} can sign in again.`,
        danger: false,
      }
    case 'sign-out':
      return {
        title: `Sign ${who} out everywhere?`,
        text: 'All of their sessions end at once, on every device. They can sign in again.',
        warning: own ? 'This device is one of them: you will be signed out here, too.' : undefined,
        confirm: 'Sign out everywhere',
        doing: 'Signing out…',
        done: `${who} is signed out everywhere.`,
        danger: true,
      }
  }
}

/** Returns the account after the change. */
export async function carryOut(change: Change, account: Account): Promise<Account> {
  switch (change) {
    case 'make-admin':
      return changeAccount(account.id, { role: 'admin' })
    case 'make-user':
      return changeAccount(account.id, { role: 'user' })
    case 'disable':
      return changeAccount(account.id, { active: false })
    case 'enable':
      return changeAccount(account.id, { active: true })
    case 'sign-out':
      await endSessions(account.id)
      return account
  }
}
