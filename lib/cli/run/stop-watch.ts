import type { Clock } from '../../core/clock.js'
import { BudgetExceededError, findOutriggerError } from '../../core/errors.js'
import type { SidecarEvent } from '../../core/types.js'

/** Why a command is to be stopped. */
export interface Stop {
  readonly by: 'reaped' | 'budget' | 'pause'
  /** One line, without content. */
  readonly reason: string
}

/** What the watch needs of a sidecar. */
export interface Watched {
  subscribe(listener: (event: SidecarEvent) => void): () => void
  snapshot(): { readonly [part: string]: unknown }
}

/** How long a command that is to be stopped may go on, so that it can wrap up. */
export interface Grace {
  /** Requests that are refused besides the first. */
  readonly stopAfter: number
  readonly graceMs: number
}

/**
 * Says when a command is to be ended: its sidecar was reaped, its budget refused a call or a rule has paused it, and since then so many further requests
 * were refused, or the time of grace is over. One that a person has resumed meanwhile goes on.
 */
export class StopWatch {
  readonly #watched: Watched
  readonly #grace: Grace
  readonly #clock: Pick<Clock, 'after'>
  readonly #unsubscribe: () => void
  readonly due: Promise<Stop>
  #stop!: (cause: Stop) => void
  #cause: Stop | undefined
  #first: string | undefined
  #refused = 0
  #forget: (() => void) | undefined

  constructor(watched: Watched, grace: Grace, clock: Pick<Clock, 'after'>) {
    this.#watched = watched
    this.#grace = grace
    this.#clock = clock
    this.due = new Promise(resolve => {
      this.#stop = resolve
    })
    this.#unsubscribe = watched.subscribe(event => this.#hear(event))
  }

  /** Why the command is to be stopped; `undefined` while it may go on. */
  get cause(): Stop | undefined {
    if (this.#cause?.by === 'pause' && this.#isResumed()) this.#goOn()
    return this.#cause
  }

  /** Requests that were refused since, besides the first. */
  get refused(): number {
    return this.#refused
  }

  close(): void {
    this.#unsubscribe()
    this.#forget?.()
  }

  #hear(event: SidecarEvent): void {
    const cause = causeIn(event)
    if (cause && this.#mayReplace(cause)) this.#begin(cause, event.action)
    else if (this.#cause && isRefusal(event) && event.action !== this.#first) this.#count()
  }

  /** Reaping is for good, whatever was before. */
  #mayReplace({ by }: Stop): boolean {
    return !this.cause || (by === 'reaped' && this.#cause?.by !== 'reaped')
  }

  #begin(cause: Stop, action: string | undefined): void {
    this.#cause = cause
    this.#first = action
    this.#forget ??= this.#clock.after(this.#grace.graceMs, () => this.#over(), { awaited: true })
    // Not asked for anew: a rule says what it has found first, and pauses then.
    if (this.#grace.stopAfter === 0) this.#stop(cause)
  }

  #count(): void {
    this.#refused++
    if (this.#refused >= this.#grace.stopAfter) this.#over()
  }

  #over(): void {
    const { cause } = this
    if (cause) this.#stop(cause)
  }

  #isResumed(): boolean {
    return (this.#watched.snapshot().paused ?? null) === null
  }

  #goOn(): void {
    this.#forget?.()
    this.#forget = undefined
    this.#cause = undefined
    this.#refused = 0
  }
}

const isRefusal = (event: SidecarEvent): boolean =>
  event.type === 'action.ended' && event.kind === 'model' && event.outcome.status === 'refused'

function causeIn(event: SidecarEvent): Stop | undefined {
  switch (event.type) {
    case 'state':
      return event.to === 'failedReaped' ? { by: 'reaped', reason: event.reason } : undefined
    case 'violation':
      return event.response === 'pause' && !event.shadow && event.child === undefined
        ? { by: 'pause', reason: `paused by rule ${event.ruleId}` }
        : undefined
    case 'action.ended':
      return isRefusal(event) ? refusedByBudget(event.outcome.error) : undefined
    default:
      return undefined
  }
}

/** A quota of one tool is no reason to stop; money and tokens are. */
function refusedByBudget(error: unknown): Stop | undefined {
  const found = findOutriggerError(error)
  if (found?.code === 'ERR_LANDED') return { by: 'budget', reason: found.message }
  const isMoney = found instanceof BudgetExceededError && (found.unit === 'nanoUsd' || found.unit === 'tokens')
  return isMoney ? { by: 'budget', reason: found.message } : undefined
}
