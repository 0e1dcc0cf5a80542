import type { Clock, Context, Spans, Tap } from 'outrigger'

/** How long a model has been waited for without content. A slow consumer, a judge, a limiter and back-off are not waited for. */
export class ModelSilence {
  readonly #ctx: Context
  readonly #clock: Clock
  readonly #onContent: () => void
  #quiet = 0
  #since: number | undefined
  #attempts = 0
  #flows = false

  /** @param onContent - told of each event that is progress */
  constructor(ctx: Context, onContent: () => void) {
    this.#ctx = ctx
    this.#clock = ctx.clock
    this.#onContent = onContent
  }

  readonly tap: Tap = {
    waiting: on => (on ? this.#wait() : this.#stop()),
    arrived: event => this.#arrived(event),
  }

  /** Has the answer begun to come? From then on, the deadline is that between two events. */
  get flows(): boolean {
    return this.#flows
  }

  /** Is the model being waited for now? */
  get waits(): boolean {
    return this.#since !== undefined
  }

  quietMs(now: number): number {
    return this.#quiet + (this.#since === undefined ? 0 : now - this.#since)
  }

  #wait(): void {
    const { attempts } = this.#ctx
    // Another attempt begins from the start.
    if (attempts.length !== this.#attempts) this.#begin(attempts.length)
    this.#since = this.#clock.monotonic()
  }

  #begin(attempts: number): void {
    this.#attempts = attempts
    this.#flows = false
    this.#quiet = 0
  }

  #stop(): void {
    this.#quiet = this.quietMs(this.#clock.monotonic())
    this.#since = undefined
  }

  /** The first event begins the flow, whatever it is; after that a ping keeps the connection alive and is no progress. */
  #arrived(event: unknown): void {
    if (this.#flows && (event as { type?: unknown } | null)?.type === 'ping') return
    this.#flows = true
    this.#quiet = 0
    if (this.#since !== undefined) this.#since = this.#clock.monotonic()
    this.#onContent()
  }
}

/** How long an agent or a tool has shown nothing. Time in which its sidecar waits for a person, a limiter or back-off does not count. */
export class Silence {
  readonly #spans: Spans
  #at: number
  #heldAt: number
  #waits = true

  constructor(spans: Spans, now: number) {
    this.#spans = spans
    this.#at = now
    this.#heldAt = this.#heldMs
  }

  /** It has shown something. */
  broken(now: number): void {
    this.#at = now
    this.#heldAt = this.#heldMs
  }

  /** Its next event is waited for, or no more: what it gave is on its way to a reader, who may be slow. */
  waited(on: boolean, now: number): void {
    this.#waits = on
    this.broken(now)
  }

  /** Is anything waited for that it could show? */
  get waits(): boolean {
    return this.#waits
  }

  quietMs(now: number): number {
    return Math.max(0, now - this.#at - (this.#heldMs - this.#heldAt))
  }

  get #heldMs(): number {
    const { stopped, throttle } = this.#spans.totals()
    return stopped + throttle
  }
}
