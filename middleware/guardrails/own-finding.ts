import type { CheckedText, OwnCheck } from './checks.js'

/** What a check of your own found, by name; `undefined` for nothing. What it throws, and an answer that is none, count as a finding. */
export async function ownFinding(own: OwnCheck, text: string, about: CheckedText): Promise<string | undefined> {
  try {
    const answer: unknown = await own(text, about)
    if (answer === undefined || answer === null || answer === false) return undefined
    if (answer === true) return 'what the check looks for'
    const { details } = answer as { readonly details?: unknown }
    return typeof details === 'string' ? details : 'an answer of the check that is none'
  } catch {
    return 'the check failed'
  }
}
