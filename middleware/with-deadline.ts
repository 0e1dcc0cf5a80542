import { type Action, type Clock, DeadlineError, defineMiddleware, type Json, type Layer, type Tap } from 'outrigger'
import { givenValue } from './given-value.js'

/** Options of {@link withDeadline}. At least one. */
export interface WithDeadlineOptions {
  /** From the request to the first content of the model's answer, in milliseconds. Default: none. */
  readonly firstTokenMs?: number
  /** Between one piece of content and the next, in milliseconds; in a stream without `firstTokenMs`, also to the first. Default: none. */
  readonly idleMs?: number
  /** For the attempt in all, in milliseconds: one figure for every kind, or one for each. Default: none. */
  readonly totalMs?: number | TotalMs
}

/** The time of an attempt in all, by kind, in milliseconds. A kind that is not named has no bound. */
export interface TotalMs {
  readonly send?: number
  readonly model?: number
  readonly tool?: number
}

const kinds = ['send', 'model', 'tool'] as const
const known = new Set(['firstTokenMs', 'idleMs', 'totalMs'])

/**
 * Bounds the time of one attempt: to its first token, between tokens, in all. What runs then is aborted, and the caller gets a
 * `DeadlineError` at once. State: none.
 * @throws TypeError or RangeError without an option, on a wrong or an unknown one
 */
export function withDeadline(options: WithDeadlineOptions): Layer {
  const bounds = validated(options)

  return defineMiddleware({ name: 'withDeadline', on: kinds, perAttempt: true, options: shown(bounds) }, async (ctx, next) => {
    const deadline = new Deadline(ctx.clock, boundsOf(ctx.action, bounds))
    if (isOfModel(ctx.action)) ctx.tap(deadline)
    await deadline.race(next)
  })
}

/** Is the source of its events a model? An opaque agent calls one behind our back. */
function isOfModel(action: Action): boolean {
  return action.kind === 'model' || (action.kind === 'send' && action.opaque !== undefined)
}

function streams(action: Action): boolean {
  return action.kind === 'model' ? action.stream : action.kind === 'send'
}

interface Span {
  readonly name: string
  readonly ms: number
}

/** What holds for one action. */
interface Spans {
  readonly first: Span | undefined
  readonly idle: Span | undefined
  readonly total: Span | undefined
}

function boundsOf(action: Action, { firstTokenMs, idleMs, totalMs }: Bounds): Spans {
  const idle = span('idle', idleMs)
  const first = span('first token', firstTokenMs) ?? (streams(action) ? idle : undefined)
  return { first, idle, total: span('total', totalMs[action.kind as keyof TotalMs]) }
}

/** The deadlines of one attempt. Those of the model run only while the source is being waited for: a slow consumer is not its fault. */
class Deadline implements Tap {
  readonly #clock: Clock
  readonly #total: Span | undefined
  readonly #idle: Span | undefined
  readonly #passed: Promise<never>
  #reject!: (error: DeadlineError) => void
  /** What the model has to keep by now. */
  #span: Span | undefined
  #leftMs = 0
  #since = 0
  #stop: (() => void) | undefined
  #over = false

  constructor(clock: Clock, { first, idle, total }: Spans) {
    this.#clock = clock
    this.#total = total
    this.#idle = idle
    this.#begin(first)
    this.#passed = new Promise((_, reject) => {
      this.#reject = reject
    })
  }

  /** Runs the attempt. Rejects when a deadline passes; the core then aborts what is within, and waits for its end. */
  async race(next: () => Promise<void>): Promise<void> {
    const stopTotal = this.#total && this.#after(this.#total, this.#total.ms)
    try {
      await Promise.race([next(), this.#passed])
    } finally {
      this.#over = true
      this.#stop?.()
      stopTotal?.()
    }
  }

  waiting(on: boolean): void {
    if (on) this.#go()
    else this.#hold()
  }

  arrived(event: unknown): void {
    if (isContent(event)) this.#begin(this.#idle)
  }

  #begin(span: Span | undefined): void {
    this.#span = span
    this.#leftMs = span?.ms ?? 0
  }

  #go(): void {
    if (!this.#span || this.#over) return
    this.#hold()
    this.#since = this.#clock.monotonic()
    this.#stop = this.#after(this.#span, this.#leftMs)
  }

  #hold(): void {
    if (!this.#stop) return
    this.#stop()
    this.#stop = undefined
    this.#leftMs -= this.#clock.monotonic() - this.#since
  }

  #after({ name, ms }: Span, leftMs: number): () => void {
    return this.#clock.after(Math.max(0, leftMs), () => this.#reject(new DeadlineError({ deadline: name, ms })), { awaited: true })
  }
}

function span(name: string, ms: number | undefined): Span | undefined {
  return ms === undefined ? undefined : { name, ms }
}

/** Pings keep a connection open, and a message begins before the model has said anything: neither is progress. */
function isContent(event: unknown): boolean {
  const type = (event as { readonly type?: unknown } | null)?.type
  return type !== 'ping' && type !== 'message_start'
}

/** The options, checked; the total by kind. */
interface Bounds extends Omit<WithDeadlineOptions, 'totalMs'> {
  readonly totalMs: TotalMs
}

function shown({ totalMs, ...bounds }: Bounds): Json {
  return { ...bounds, ...(Object.keys(totalMs).length > 0 ? { totalMs: { ...totalMs } } : {}) } as Json
}

function validated(options: WithDeadlineOptions): Bounds {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('withDeadline: options must be an object with firstTokenMs, idleMs or totalMs')
  checkNames(options, known, 'option')
  const { firstTokenMs, idleMs } = options
  const totalMs = totals(options.totalMs)
  const bounds = withoutNothing({ firstTokenMs, idleMs })
  for (const [name, value] of [...Object.entries(bounds), ...Object.entries(totalMs).map(([kind, ms]) => [`totalMs of a ${kind}`, ms])])
    if (!(Number.isFinite(value) && (value as number) > 0))
      throw new RangeError(`withDeadline: ${name} must be milliseconds above 0, got ${givenValue(value)}`)
  if (Object.keys({ ...bounds, ...totalMs }).length === 0)
    throw new TypeError('withDeadline: give at least one of firstTokenMs, idleMs and totalMs')
  return { ...bounds, totalMs }
}

function totals(given: WithDeadlineOptions['totalMs']): TotalMs {
  if (typeof given !== 'object' || given === null) return withoutNothing(Object.fromEntries(kinds.map(kind => [kind, given])))
  checkNames(given, new Set(kinds), 'kind in totalMs')
  return withoutNothing({ ...given })
}

function checkNames(given: object, names: ReadonlySet<string>, what: string): void {
  for (const name of Object.keys(given))
    if (!names.has(name)) throw new TypeError(`withDeadline: unknown ${what} "${name}"; known are ${[...names].join(', ')}`)
}

function withoutNothing<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
