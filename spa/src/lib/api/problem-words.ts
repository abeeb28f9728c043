import { ProblemError } from '@/lib/api/auth-fetch'

export interface Words {
  title: string
  text: string
}

/** The text for an error, where a form or a page has none of its own. */
export function sayProblem(error: unknown): Words {
  if (!(error instanceof ProblemError)) {
    return { title: 'Something went wrong', text: 'That should not have happened. Please try again.' }
  }
  if (error.status === 0) {
    return {
      title: 'The server cannot be reached',
      text: 'Check your connection and try again.',
    }
  }
  if (error.unavailable) {
    return {
      title: 'The service is unavailable',
      text: 'It should be back shortly, and nothing is lost. Please try again in a moment.',
    }
  }
  if (error.status === 429) {
    return { title: 'Too many attempts', text: 'Please wait a moment before you try again.' }
  }
  if (error.status >= 500) {
    return {
      title: 'Something went wrong',
      text: withReference('The server made a mistake.', error.requestId),
    }
  }
  return { title: error.title, text: error.detail ?? 'Please try again.' }
}

function withReference(text: string, requestId: string | undefined): string {
  return requestId
    ? `${text} If it happens again, quote the reference ${requestId}.`
    : `${text} Please try again.`
}
