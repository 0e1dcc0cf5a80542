import type { Kind } from 'outrigger'
import type { Run, Severity, Stage } from 'outrigger/policy'

/** What is done about a finding. */
export type CheckResponse = 'deny' | 'redact' | 'warn'

/** One thing that is looked for in a text. */
export interface Seeker {
  /** What a finding is called, without content: `email`. */
  readonly name: string
  /** With the flag `g`; never run by itself: a scan has a copy of its own. */
  readonly expression: RegExp
  /** How many characters of a candidate count, from its start; 0 where it is none after all. */
  readonly counted?: ((candidate: string) => number) | undefined
  /** A candidate lies within a run of these characters: where it has ended, nothing is left open. */
  readonly run?: Run | undefined
  /** Without a run: how many characters, from the start of a match, decide on it. */
  readonly longest: number
  /** How many characters behind a match may still make it longer. */
  readonly ahead: number
}

/** What a check of your own is told of the text. */
export interface CheckedText {
  readonly kind: Kind
  readonly stage: Stage
}

/** What a check of your own found: true, or facts without content. */
export type CheckAnswer = boolean | undefined | { readonly details: string }

/** A check of your own. What it throws counts as a finding. */
export type OwnCheck = (text: string, about: CheckedText) => CheckAnswer | Promise<CheckAnswer>

/** One check as it takes effect, frozen. */
export interface Check {
  /** Its name in records. */
  readonly ruleId: string
  readonly response: CheckResponse
  readonly severity: Severity
  readonly kinds: readonly Kind[]
  readonly stages: readonly Stage[]
  /** What stands in the place of what was found; `undefined`: its name in brackets. */
  readonly replaceWith: string | undefined
  readonly seekers: readonly Seeker[]
  readonly own: OwnCheck | undefined
  /** The longest text that it looks at: expressions and checks of your own may take long. */
  readonly maxChars: number
}

/** How much of a stream is held until it has been judged. */
export type GuardrailHold = 'full' | 'block' | 'sentence' | { readonly window: number }

/** What forbids a text: a check, and what it found. No error: what it becomes is for whoever knows the action. */
export class Refusal {
  readonly check: Check
  readonly what: string

  constructor(check: Check, what: string) {
    this.check = check
    this.what = what
  }
}

/** What was found and not refused, by check and by name. */
export class Tally {
  private readonly counts = new Map<Check, Map<string, number>>()

  add(check: Check, name: string): void {
    const names = this.counts.get(check) ?? new Map<string, number>()
    this.counts.set(check, names.set(name, (names.get(name) ?? 0) + 1))
  }

  /** What was shown on the way to a result is told where it is not in the result as well. */
  cover({ counts }: Tally): void {
    for (const [check, names] of counts)
      for (const [name, n] of names) {
        const most = Math.max(n, this.counts.get(check)?.get(name) ?? 0)
        this.counts.set(check, (this.counts.get(check) ?? new Map<string, number>()).set(name, most))
      }
  }

  /** What was counted belongs to an attempt that failed: nobody has seen it. */
  forget(): void {
    this.counts.clear()
  }

  /** Each check with what it found, once. */
  *take(): Generator<readonly [Check, string]> {
    const counts = [...this.counts]
    this.forget()
    for (const [check, names] of counts) yield [check, [...names].map(([name, n]) => `${n} × ${name}`).join(', ')]
  }
}
