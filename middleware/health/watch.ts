import type { Context, Host, Push, SendAction, SidecarEvent } from 'outrigger'
import { Calls } from './calls.js'
import { ErrorRow, Latch, sortOf } from './errors.js'
import { Children, type Family, family } from './family.js'
import { Holds } from './holds.js'
import type { HealthSettings } from './options.js'
import type { KeptHealth } from './past.js'
import { Progress } from './progress.js'
import { Running } from './running.js'
import { ModelSilence, Silence } from './silence.js'
import { type Finding, type Health, healthOf, type HealthStatus } from './status.js'
import { Watched } from './watched.js'

/** The books are read at the end of an action, and not more often than that, in milliseconds; `health()` always reads them. */
const booksMs = 60_000
const refusedText = 'a reservation was refused'

/** Watches all actions of one sidecar. Memory: what is running, and digests of what ran last. */
export class Watch {
  readonly #settings: HealthSettings
  readonly #host: Host
  readonly #calls: Calls
  readonly #errors: ErrorRow
  readonly #progress: Progress
  readonly #budget = new Latch('budget-refused')
  readonly #wrong = new Latch('wrong-answer')
  readonly #none = new Latch('no-answer')
  readonly #holds: Holds
  readonly #children: Children
  readonly #running: Running
  /** Layers of which a part has failed, as they said themselves. */
  readonly #failedOpen = new Map<string, string>()
  readonly #ends: readonly (() => void)[]
  #step = 0
  /** Model actions that have begun, those of children included. */
  #models = 0
  #sends = 0
  #unmetered = 0
  #idleSince = 0
  #booksAt = 0
  #told: HealthStatus = 'healthy'

  constructor(settings: HealthSettings, host: Host) {
    this.#settings = settings
    this.#host = host
    this.#calls = new Calls(settings.spinningAfter, settings.polling)
    this.#errors = new ErrorRow(settings.maxConsecutiveErrors)
    this.#progress = new Progress(settings.progressMs, settings.spinningAfter)
    this.#children = new Children(model => this.#childWorked(model))
    const children = this.#children
    this.#running = new Running(
      host.clock,
      settings,
      () => children.busy,
      () => this.#tell(),
    )
    const running = this.#running
    this.#holds = new Holds(host, settings.holdMs, () => running.since)
    family.set(host, children)
    this.#idleSince = this.#now
    if (settings.past) this.#restore(settings.past)
    this.#parent?.joined(host.agent.id, () => this.#running.size > 0 || children.busy)
    this.#ends = [host.subscribe(event => this.#heard(event)), children.hear(host)]
  }

  close(): void {
    for (const end of this.#ends) end()
    this.#running.disarm()
    this.#parent?.left(this.#host.agent.id)
  }

  /** All that is known now. Tells subscribers when the status is another one than they were told last. */
  health(): Health {
    this.#holds.refresh()
    this.#running.silent()
    return this.#tell()
  }

  /** What a process after this one goes on from. */
  get kept(): KeptHealth {
    return {
      at: this.#host.clock.now(),
      errors: this.#errors.kept,
      budget: this.#budget.kept,
      wrong: this.#wrong.kept,
      none: this.#none.kept,
      progress: this.#progress.kept,
      calls: this.#calls.kept,
      sends: this.#sends,
      unmetered: this.#unmetered,
    }
  }

  #restore({ at, errors, budget, wrong, none, progress, calls, sends, unmetered }: KeptHealth): void {
    this.#errors.restore(errors)
    this.#budget.restore(budget)
    this.#wrong.restore(wrong)
    this.#none.restore(none)
    this.#progress.restore(progress, this.#now)
    this.#calls.restore(calls)
    this.#sends = sends
    this.#unmetered = unmetered
    this.#idleSince = this.#now - Math.max(0, this.#host.clock.now() - at)
  }

  begin(ctx: Context): Watched {
    const action = this.#watched(ctx)
    if (this.#running.size === 0) this.#calls.resumed(this.#now - this.#idleSince)
    action.modelsBefore = this.#models - this.#running.models
    this.#running.add(action)
    this.#running.expect(action)
    this.#stirred(action, action.kind === 'model')
    this.#tell()
    return action
  }

  /** Every action that began ends here, before anything is made of how. */
  end(action: Watched): void {
    this.#running.delete(action)
    this.#stirred(action, false)
    if (this.#running.size === 0) this.#idleSince = this.#now
  }

  good(action: Watched, ctx: Context): void {
    const ended = ++this.#step
    // A send that hides the failure of what it asked for last is no success of its own.
    if (action.kind !== 'send' || !action.innerFailed) this.#errors.good()
    if (action.send) action.send.innerFailed = false
    const isNew = this.#isNew(action, ctx, ended)
    if (isNew) this.#progress.made()
    else if (isNew === false && isPaid(ctx)) this.#progress.paid(this.#now)
    if (action.kind === 'model' || isOpaque(ctx)) this.#answered()
    if (action.kind === 'send') this.#metered(action, ctx)
    this.#after()
  }

  failed(action: Watched, ctx: Context, error: unknown): void {
    const ended = ++this.#step
    const sort = sortOf(ctx, error)
    if (sort === 'budget') this.#budget.set(refusedText)
    if (sort === 'wrong-answer') this.#wrong.set(`${action.name} gave an answer that is none, or not whole`)
    if (sort === 'no-answer') this.#none.set(`${action.name} gave no answer in its time`)
    if (sort !== 'neutral' && sort !== 'budget') this.#counted(action, ended)
    // What its caller broke off is no lack of progress.
    if (sort !== 'neutral' && isPaid(ctx)) this.#progress.paid(this.#now)
    if (action.kind === 'tool' && ctx.outcome?.status !== 'aborted') this.#calls.tool(ctx, { began: action.began, ended }, { error })
    this.#after()
  }

  /** What comes out of a send after a failure inside it counts as side by side with that, and is the same failure. */
  #counted(action: Watched, ended: number): void {
    this.#errors.failed(action.began, ended)
    if (action.send) action.send.innerFailed = true
  }

  #answered(): void {
    for (const latch of [this.#budget, this.#wrong, this.#none]) latch.good()
  }

  #isNew(action: Watched, ctx: Context, ended: number): boolean | undefined {
    const course = { began: action.began, ended }
    if (action.kind === 'tool') return this.#calls.tool(ctx, course)
    if (action.kind === 'model') return this.#calls.model(ctx, course)
    return isOpaque(ctx) && this.#calls.opaque(ctx, course)
  }

  /** An agent that asks no model through its handles may ask one past them. */
  #metered(action: Watched, ctx: Context): void {
    this.#sends++
    if (this.#models === action.modelsBefore && !isOpaque(ctx) && !this.#children.unwatched) this.#unmetered++
  }

  #after(): void {
    if (this.#now - this.#booksAt >= booksMs) {
      this.#booksAt = this.#now
      this.#holds.refresh()
    }
    this.#tell()
  }

  #heard(event: SidecarEvent): void {
    if (event.type === 'budget.refused') this.#budget.set(refusedText)
    if (event.type === 'layer.degraded') this.#failedOpen.set(event.layer, event.error)
    if (event.type === 'state' && event.to === 'failedReaped') this.#tell()
  }

  /** While a child works, its parent is not silent, and what it asks for is metered. */
  #childWorked(model: boolean): void {
    if (model) this.#models++
    this.#running.stirred()
    this.#parent?.worked(model)
    this.#running.look()
    this.#shown()
  }

  #stirred(action: Watched, model: boolean): void {
    if (model) this.#models++
    this.#running.stirred(action)
    this.#parent?.worked(model)
    this.#running.look()
  }

  #watched(ctx: Context): Watched {
    const { kind, clock, action } = ctx
    const name = action.kind === 'model' ? action.model : action.kind === 'send' ? 'the agent' : action.name
    const send = ctx.parent && this.#running.get(ctx.parent.id)
    const model = kind === 'model' ? new ModelSilence(ctx, () => this.#shown()) : undefined
    const judged = kind === 'send' || (kind === 'tool' && this.#settings.toolMs !== undefined)
    const silence = judged ? new Silence(this.#host.spans, clock.monotonic()) : undefined
    if (model) ctx.tap({ ...model.tap, waiting: on => this.#waiting(ctx.id, model, on) })
    if (kind === 'send')
      ctx.tap({ event: (event, push) => this.#passed(silence!, event, push), waiting: on => this.#waitingForAgent(ctx.id, silence!, on) })
    return new Watched({ id: ctx.id, kind, name, send, began: ++this.#step, at: clock.now(), model, silence })
  }

  /** What is waited for has a deadline; between two events it is another one than before the first. */
  #waiting(id: string, model: ModelSilence, on: boolean): void {
    model.tap.waiting!(on)
    if (on) this.#expect(id)
  }

  /** The events of an agent that streams: while its reader takes its time, the agent is not waited for. */
  #waitingForAgent(id: string, silence: Silence, on: boolean): void {
    silence.waited(on, this.#now)
    if (on) this.#expect(id)
    else this.#shown()
  }

  #expect(id: string): void {
    const action = this.#running.get(id)
    if (action) this.#running.expect(action)
  }

  /** An event of the agent's own. */
  #passed(silence: Silence, event: unknown, push: Push): void {
    silence.broken(this.#now)
    this.#shown()
    push(event)
  }

  /** Something has been shown: a stall that was told may be over, and the next one is waited for. */
  #shown(): void {
    if (this.#told !== 'stalled') return
    this.#running.look()
    this.#tell()
  }

  #tell(): Health {
    const health = healthOf([...this.#findings()])
    const { status, reasons } = health
    if (status === this.#told) return health
    const from = this.#told
    this.#told = status
    this.#host.publish({ type: 'health', from, to: status, reason: reasons[0] ?? 'all is well again' })
    return health
  }

  *#findings(): Generator<Finding> {
    const { status } = this.#host
    for (const signal of ['reaped', 'paused', 'failing'] as const) {
      const text = status[signal]
      if (text !== undefined) yield { signal, text }
    }
    for (const { finding } of [this.#budget, this.#wrong, this.#none, this.#errors, this.#progress]) if (finding) yield finding
    // Looking at all that runs, at each action, would cost more the more there is: between looks, what was silent is looked at again.
    if (this.#running.stalled) yield* this.#running.silent()
    yield* this.#calls.findings()
    yield* this.#degraded(status.degraded)
    yield* this.#holds.findings
    if (this.#unmetered > 0)
      yield { signal: 'unmetered', text: `${this.#unmetered} of ${this.#sends} sends asked no model through the chain` }
  }

  *#degraded(known: ReadonlyMap<string, string>): Generator<Finding> {
    if (known.size === 0 && this.#failedOpen.size === 0) return
    for (const [layer, text] of new Map([...this.#failedOpen, ...known])) yield { signal: 'failed-open', text: `${layer}: ${text}` }
  }

  get #now(): number {
    return this.#host.clock.monotonic()
  }

  get #parent(): Family | undefined {
    return this.#host.parent && family.peek(this.#host.parent)
  }
}

function isOpaque({ action }: Context): boolean {
  return (action as Partial<SendAction>).opaque !== undefined
}

function isPaid(ctx: Context): boolean {
  if (ctx.kind !== 'model' && !isOpaque(ctx)) return false
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h, certainty } = ctx.usage
  return certainty === 'unknown' || input + output + cacheRead + cacheWrite5m + cacheWrite1h > 0
}
