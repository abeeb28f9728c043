import type { EndReason } from '@/lib/session/session'

/** Texts about the end of a session. */
export const END_WORDS: Record<EndReason, { title: string; text: string; tone: 'info' | 'warning' }> = {
  signed_out: { tone: 'info', title: 'You are signed out', text: 'Your session on this device has ended.' },
  signed_out_elsewhere: {
    tone: 'info',
    title: 'You are signed out',
    text: 'You signed out in another tab.',
  },
  session_ended: { tone: 'info', title: 'Your session has ended', text: 'Sign in to go on where you were.' },
  session_expired: {
    tone: 'info',
    title: 'Your session has expired',
    text: 'Sign in to go on where you were.',
  },
  ended_by_user: {
    tone: 'info',
    title: 'Your session was ended',
    text: 'It was signed out from another of your devices. Sign in to go on where you were.',
  },
  ended_by_admin: {
    tone: 'info',
    title: 'Your session was ended',
    text: 'An administrator has signed you out everywhere. Sign in to go on where you were.',
  },
  password_changed: {
    tone: 'info',
    title: 'Your password was changed',
    text: 'That has ended this session. Sign in with the new password. If it was not you, tell an administrator.',
  },
  account_disabled: {
    tone: 'warning',
    title: 'Your account was disabled',
    text: 'An administrator has disabled it, and ended its sessions. Signing in works when it is enabled again.',
  },
  account_deleted: {
    tone: 'info',
    title: 'Your account was deleted',
    text: 'All of its sessions have ended.',
  },
  session_limit: {
    tone: 'info',
    title: 'Your session was ended',
    text: 'Your account has been signed in on more devices than it may be at once. Sign in to go on where you were.',
  },
  session_revoked: {
    tone: 'info',
    title: 'Your session was ended',
    text: 'It was signed out from another device or by an administrator. Sign in to go on where you were.',
  },
  refresh_reuse: {
    tone: 'warning',
    title: 'Your session was ended for your safety',
    text: 'It was used from two places at once. If that was not you, change your password after signing in.',
  },
}
