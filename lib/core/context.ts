import type { Enclosing } from './boundary.js'
import type { Clock } from './clock.js'
import { LayerError } from './errors.js'
import type { Events } from './events.js'
import { frozenCopy } from './freeze.js'
import type { Scope } from './scope.js'
import { cost, type SlotMap, type SlotScope, slotsOf } from './slot.js'
import type { SpanFold } from './spans.js'
import { Taps } from './taps.js'
import { Task } from './task.js'
import type { Action, Attempt, Context, Kind, Layer, ModelAction, Outcome, SpanCategory, Tap, TokenUsage } from './types.js'
import { addUsage, noUsage } from './usage.js'

/** Where released events go. Resolves when there is room for more. */
export type Sink = (event: unknown) => void | Promise<void>

/** What all actions of one sidecar share. */
export interface Home {
  readonly agent: Context['agent']
  readonly clock: Clock
  readonly spans: SpanFold
  readonly events: Events
  readonly slots: SlotMap
  /** A layer failed and the action went on without it. */
  degrade(layer: string, error: unknown): void
  /** A closed layer failed after a paid effect: nothing more may happen. */
  fail(error: LayerError): void
  /** The gate; `begun`: for another attempt of what has begun, which only a pause stops. */
  pass(ctx: ActionContext, begun?: boolean): Promise<void> | undefined
}

/** Where the context stood when a re-entering layer was entered. */
interface Mark {
  readonly at: number
  readonly taps: number
  readonly slots: SlotMap | undefined
  action: Action
}

/** The one implementation of `Context`: what layers see, and what the runtime and the seams drive. */
export class ActionContext implements Context {
  readonly home: Home
  private readonly number: number
  private name: string | undefined = undefined
  readonly kind: Kind
  readonly parent: ActionContext | undefined
  /** The outermost action: the one that a task is measured by. */
  readonly root: ActionContext
  readonly task: Task
  /** Tells the enclosing streamed send what this action released. */
  bubble: ((ctx: ActionContext, event: unknown) => void | Promise<void>) | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly layers: readonly Layer[]
  readonly actionScope: Scope
  scope: Scope
  /** Index of the layer that is running: -1 before the first, `layers.length` in the core. */
  at = -1
  outcome: Outcome | undefined
  reply: unknown
  /** SHA-256 of the body that left in this attempt. */
  wireDigest: string | undefined
  /** Something reached the consumer: no attempt may follow. */
  released = false
  /** Where released events go; without one nobody reads them. */
  sink: Sink | undefined = undefined
  ended = false
  /** It was given up while a layer ignored its signal: what it used is not known yet. */
  hung = false
  /** Milliseconds with the agent, the model or the tool, in back-off and at the gate: not the sidecar's own time. */
  elsewhereMs = 0
  /** The innermost boundary that was entered. */
  passage: Enclosing | undefined
  /** What the chain is around. Set by the runtime. */
  core!: (ctx: ActionContext) => Promise<void>
  readonly attempts: Attempt[] = []
  private current: Action
  private count = 0
  private attemptStart = 0
  private used: TokenUsage = noUsage
  private usageFrom = -1
  private marks: Mark[] | undefined
  private actionSlots: SlotMap | undefined
  private attemptSlots: SlotMap | undefined
  private tapList: Taps | undefined

  constructor(options: {
    home: Home
    /** Which action of the sidecar it is. */
    number: number
    action: Action
    layers: readonly Layer[]
    scope: Scope
    parent?: ActionContext
    labels: Readonly<Record<string, string>>
  }) {
    this.home = options.home
    this.number = options.number
    this.kind = options.action.kind
    this.current = options.action
    this.layers = options.layers
    this.actionScope = options.scope
    this.scope = options.scope
    this.parent = options.parent
    this.root = options.parent ? options.parent.root : this
    if (options.parent) {
      this.task = options.parent.task
      this.task.addAction(this)
    } else this.task = new Task(options.home.clock, this)
    this.bubble = options.parent?.bubble
    this.labels = options.labels
  }

  /** Unique in the process. Spelt out on first use. */
  get id(): string {
    this.name ??= `${this.home.agent.id}.${this.number.toString(36)}`
    return this.name
  }

  /** The spans of the task. */
  get fold(): SpanFold {
    return this.task.fold
  }

  get agent(): Context['agent'] {
    return this.home.agent
  }

  /** Without a setter: what was judged can be replaced by `rewrite` alone. */
  get action(): Action {
    return this.current
  }

  get clock(): Clock {
    return this.home.clock
  }

  get signal(): AbortSignal {
    return this.scope.signal
  }

  get result(): unknown {
    return this.reply
  }

  get attempt(): number {
    return Math.max(1, this.count)
  }

  get usage(): TokenUsage {
    return this.usageFrom < 0 ? this.used : this.sumFrom(this.usageFrom)
  }

  rewrite(action: Action): void {
    const layer = this.layers[this.at]
    if (!layer?.meta.rewrites)
      throw new LayerError(`${layer?.meta.name ?? 'the core'} called ctx.rewrite(); only a layer that declares rewrites may`, {
        layer: layer?.meta.name ?? 'core',
      })
    checkRewrite(layer.meta.name, this.current, action)
    this.current = frozenCopy(action)
    const mark = this.marks?.at(-1)
    if (mark?.at === this.at) mark.action = this.current
  }

  revise(result: unknown): void {
    const layer = this.layers[this.at]
    // A tap runs while the core does: its layer has to be one of the chain.
    if (layer ? !layer.meta.revises : !this.layers.some(({ meta }) => meta.revises))
      throw new LayerError(`${layer?.meta.name ?? 'a tap'} called ctx.revise(); only a layer that declares revises may`, {
        layer: layer?.meta.name ?? 'core',
      })
    this.reply = result
  }

  narrow(to: { readonly maxTokens: number }): void {
    const { action } = this
    if (action.kind !== 'model') throw new RangeError(`narrow: an action of kind ${this.kind} has no max_tokens`)
    const { maxTokens } = to
    if (!Number.isInteger(maxTokens) || maxTokens < action.minTokens || maxTokens > action.maxTokens) {
      throw new RangeError(`narrow: max_tokens can go from ${action.maxTokens} down to ${action.minTokens}, got ${maxTokens}`)
    }
    if (maxTokens === action.maxTokens) return
    const request = Object.freeze({ ...action.request, max_tokens: maxTokens })
    this.current = Object.freeze({ ...action, maxTokens, request } satisfies ModelAction)
  }

  async during<T>(category: SpanCategory, work: () => Promise<T>): Promise<T> {
    const startedAt = this.clock.monotonic()
    this.enter(category)
    try {
      return await work()
    } finally {
      this.leave(category)
      if (category === 'throttle' || category === 'stopped') this.elsewhereMs += this.clock.monotonic() - startedAt
    }
  }

  /** Waits for work that is not the sidecar's own. */
  async elsewhere<T>(work: Promise<T>): Promise<T> {
    const startedAt = this.clock.monotonic()
    try {
      return await work
    } finally {
      this.elsewhereMs += this.clock.monotonic() - startedAt
    }
  }

  /** This action as the parent of what one attempt of it starts: what an aborted attempt has left running stays aborted while another runs. */
  parentIn(scope: Scope): ActionContext {
    if (scope === this.scope || !scope.aborted) return this
    return Object.create(this, { scope: { value: scope }, actionScope: { value: scope }, bubble: { value: undefined } }) as ActionContext
  }

  /** Opens a span on the agent's fold and on the task's. */
  enter(category: SpanCategory): void {
    this.home.spans.enter(category)
    this.fold.enter(category)
  }

  leave(category: SpanCategory): void {
    this.home.spans.leave(category)
    this.fold.leave(category)
  }

  tap(tap: Tap): void {
    this.tapList ??= new Taps(this)
    this.tapList.add(tap, this.layers[this.at])
  }

  /** The taps, where any layer has one. */
  get taps(): Taps | undefined {
    return this.tapList?.size ? this.tapList : undefined
  }

  async emit(event: unknown): Promise<void> {
    const { taps } = this
    if (taps) await taps.pass(event)
    else await this.sink?.(event)
  }

  /** The slots of a scope, made on first use. */
  slotMap(scope: SlotScope): SlotMap {
    if (scope === 'agent') return this.home.slots
    if (scope === 'action') {
      this.actionSlots ??= new Map()
      return this.actionSlots
    }
    this.attemptSlots ??= new Map()
    return this.attemptSlots
  }

  /** The usage of this attempt so far. */
  report(usage: TokenUsage): void {
    this.used = usage
  }

  /** A re-entering layer goes inward for the first time. */
  mark(): void {
    this.marks ??= []
    this.marks.push({
      at: this.at,
      taps: this.tapList?.size ?? 0,
      slots: this.attemptSlots && new Map(this.attemptSlots),
      action: this.action,
    })
  }

  /** Back to the innermost mark: taps and slots of the layers inside it are gone. */
  restore(): void {
    const mark = this.marks!.at(-1)!
    this.tapList?.cut(mark.taps)
    this.attemptSlots = mark.slots && new Map(mark.slots)
    this.current = mark.action
    this.outcome = undefined
    this.used = noUsage
    this.usageFrom = -1
  }

  /** A failed attempt is over: the re-entering layer sees the action as it stood outside, not as the attempt narrowed or rewrote it. */
  revert(): void {
    this.current = this.marks!.at(-1)!.action
  }

  /** The re-entering layer has ended: outside it, usage is the total since `from` attempts. */
  unmark(from: number): void {
    this.marks!.pop()
    this.usageFrom = from
  }

  startAttempt(): void {
    this.count++
    this.attemptStart = this.clock.monotonic()
    this.used = noUsage
    this.usageFrom = -1
    this.outcome = undefined
    this.wireDigest = undefined
  }

  /** Integer nano-USD of all attempts; `undefined` when one of them has no price. */
  get nanoUsd(): number | undefined {
    let sum = 0
    for (const attempt of this.attempts) {
      if (attempt.nanoUsd === undefined) return undefined
      sum += attempt.nanoUsd
    }
    return sum
  }

  /** Archives the attempt that ended. */
  endAttempt(error?: unknown): void {
    const attempt: Attempt = {
      n: this.attempt,
      outcome: outcomeOf(this.outcome, error),
      usage: this.used,
      nanoUsd: (this.attemptSlots?.get(cost.name) as number | undefined) ?? (this.outcome?.sent ? undefined : 0),
      startedAt: this.attemptStart,
      endedAt: this.clock.monotonic(),
      wireDigest: this.wireDigest,
    }
    this.attempts.push(Object.freeze(attempt))
    if (this.kind === 'model' || attempt.usage !== noUsage) this.task.addAttempt(attempt)
    const { events } = this.home
    if (events.heard) events.publish({ type: 'attempt.ended', kind: this.kind, action: this.id, attempt })
  }

  /** Tokens of all attempts. */
  get total(): TokenUsage {
    return this.sumFrom(0)
  }

  private sumFrom(from: number): TokenUsage {
    const { attempts } = this
    if (attempts.length === from + 1) return attempts[from]!.usage
    let sum: TokenUsage = noUsage
    for (let i = from; i < attempts.length; i++) sum = addUsage(sum, attempts[i]!.usage)
    return sum
  }
}

/** An attempt that failed after a good answer is no good attempt. */
function outcomeOf(outcome: Outcome | undefined, error: unknown): Outcome {
  if (!outcome) return { status: 'refused', error, sent: false }
  return error !== undefined && outcome.status === 'done' ? { ...outcome, status: 'error', error } : outcome
}

/** A rewritten action must say one thing: what is judged and priced is what is sent. */
function checkRewrite(layer: string, from: Action, to: Action): void {
  if (to.kind !== from.kind)
    throw new LayerError(`${layer}: an action of kind ${from.kind} cannot become one of kind ${to.kind}`, { layer })
  if (to.kind !== 'model') return
  const { model, max_tokens = 0, stream = false } = to.request
  if (model === to.model && max_tokens === to.maxTokens && stream === to.stream) return
  throw new LayerError(
    `${layer}: model, maxTokens and stream of a rewritten action must equal model, max_tokens and stream of its request`,
    { layer },
  )
}

// Slots of another copy of this package (ESM beside CommonJS) find their place by this symbol.
Object.defineProperty(ActionContext.prototype, slotsOf, {
  value(this: ActionContext, scope: SlotScope): SlotMap {
    return this.slotMap(scope)
  },
})
