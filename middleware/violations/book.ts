import { type Context, type Host, type Kind, slot, type Slot } from 'outrigger'
import type { Broken, Response, Severity } from 'outrigger/policy'

/** A rule that was broken, blocked or not. */
export interface Violation {
  readonly ruleId: string
  readonly severity: Severity
  /** What the rule brings about; in `shadow`, what it would have. */
  readonly response: Response
  /** What was judged: for a tool call that the model asked for, `tool`. */
  readonly kind: Kind
  /** Facts without content: a command's name, a host, a count. */
  readonly details: string
  /** It was recorded, and changed nothing. */
  readonly shadow: boolean
  /** Milliseconds on the sidecar's clock (Unix time on the real one). */
  readonly at: number
  /** The id of the action. */
  readonly action: string
}

/** What a book had noted, as `snapshot()` says it. */
export interface PastViolations {
  /** All of them, those included that are no longer kept. */
  readonly count: number
  /** The newest, oldest first. */
  readonly kept: readonly Violation[]
}

/** The violations of one agent: the newest are kept, all are counted, and everyone concerned is told of each at once. */
export class ViolationBook {
  readonly #keep: number
  readonly #hear: ((violation: Violation) => void | Promise<void>) | undefined
  #kept: Violation[] = []
  #shown: readonly Violation[] | undefined
  #count: number

  constructor(keep: number, hear: ((violation: Violation) => void | Promise<void>) | undefined, { count, kept }: PastViolations) {
    this.#keep = keep
    this.#hear = hear
    this.#count = count
    this.#kept = kept.slice(Math.max(0, kept.length - keep))
  }

  /** All of them, those included that are no longer kept. */
  get count(): number {
    return this.#count
  }

  /** Those that are kept, oldest first; a new list after each violation, the same one until then. */
  get list(): readonly Violation[] {
    this.#shown ??= Object.freeze([...this.#kept])
    return this.#shown
  }

  /** Keeps what a rule found, and tells the sidecar, every ancestor and the callback. */
  note(host: Host, ctx: Context, kind: Kind, found: Broken): Violation {
    const { ruleId, severity, response, details, shadow } = found
    const violation = Object.freeze({ ruleId, severity, response, kind, details, shadow, at: host.clock.now(), action: ctx.id })
    this.#add(violation)
    tell(host, violation)
    this.#call(host, violation)
    return violation
  }

  #add(violation: Violation): void {
    this.#count++
    this.#shown = undefined
    this.#kept.push(violation)
    if (this.#kept.length > this.#keep) this.#kept.shift()
  }

  #call(host: Host, violation: Violation): void {
    const failed = (error: unknown) => host.degrade('withViolations', error)
    try {
      const heard: unknown = this.#hear?.(violation)
      if (heard instanceof Promise) heard.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

/** The book of an agent's `withViolations`, for another layer that finds what no rule looks for. */
export const violationBook: Slot<ViolationBook> = slot<ViolationBook>('violations.book', { scope: 'agent' })

function tell(host: Host, { at: _, ...facts }: Violation): void {
  host.publish({ type: 'violation', ...facts })
  const child = host.agent.id
  for (let ancestor = host.parent; ancestor; ancestor = ancestor.parent) ancestor.publish({ type: 'violation', ...facts, child })
}
