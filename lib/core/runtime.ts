import type { CallerSignal } from './caller-signal.js'
import type { Clock } from './clock.js'
import { type Chain, compose } from './compose.js'
import { ActionContext, type Home } from './context.js'
import { AgentPausedError, AgentReapedError, LayerError } from './errors.js'
import { Events } from './events.js'
import type { Halt, Halted } from './halt.js'
import { type Origin, RuntimeHost } from './host.js'
import { patience } from './patience.js'
import { Scope } from './scope.js'
import type { SlotMap } from './slot.js'
import { SpanFold } from './spans.js'
import type { Action, AgentState, Context, Host, Kind, Layer, Outcome, TokenUsage } from './types.js'
import { addUsage, noUsage } from './usage.js'

/** The work that a chain is around. */
export type Core = (ctx: ActionContext) => Promise<void>

/** How one action is started. */
export interface Start {
  readonly parent?: ActionContext
  readonly labels?: Readonly<Record<string, string>>
}

/** What an action has used whose layers have not ended yet. */
const unknownUsage: TokenUsage = Object.freeze({ ...noUsage, certainty: 'unknown' })
const noLabels: Readonly<Record<string, string>> = Object.freeze({})

/** Runs the actions of one sidecar: gate, scope, spans, chain, events. Knows no model. */
export class Runtime implements Home {
  readonly agent: Context['agent']
  readonly clock: Clock
  readonly spans: SpanFold
  readonly events: Events
  readonly slots: SlotMap = new Map()
  readonly scope: Scope = new Scope()
  readonly layers: readonly Layer[]
  /** Where the sidecar comes from, when it was spawned. */
  readonly origin: Origin | undefined
  /** Layers that failed open, with what happened last. */
  readonly degraded: Map<string, string> = new Map()
  /** Why nothing may happen, after a closed layer failed behind a paid effect. */
  failing: LayerError | undefined
  readonly self: { ms: number; actions: number } = { ms: 0, actions: 0 }
  /** Actions that have begun and not ended. */
  inFlight = 0
  readonly whenPaused: 'reject' | 'wait'
  readonly #halt: Halt | undefined
  #watching = false
  #paused: string | undefined
  #reaped: string | undefined
  #chains: Partial<Record<Kind, Chain>> = {}
  #resumed: Set<() => void> | undefined
  #idle: Set<() => void> | undefined
  #shutters: Set<() => void> | undefined
  #host: Host | undefined
  #state: AgentState = 'summoned'
  #count = 0
  #used: TokenUsage = noUsage
  /** Actions that were given up and whose layers have not ended. */
  #hung = 0

  constructor(options: {
    agent: Context['agent']
    clock: Clock
    layers: readonly Layer[]
    whenPaused: 'reject' | 'wait'
    origin?: Origin | undefined
    halt?: Halt | undefined
  }) {
    this.agent = options.agent
    this.origin = options.origin
    this.clock = options.clock
    this.layers = options.layers
    this.whenPaused = options.whenPaused
    this.#halt = options.halt
    this.spans = new SpanFold(options.clock)
    this.events = new Events(options.clock, options.agent)
  }

  /** What layers are given when they are mounted. */
  get host(): Host {
    this.#host ??= new RuntimeHost(this)
    return this.#host
  }

  /** The agent's own state. */
  get state(): AgentState {
    return this.#state
  }

  /** Why it is paused, by `pause` or by the switch outside. */
  get paused(): string | undefined {
    return this.#paused ?? this.#halt?.now()?.reason
  }

  get reaped(): string | undefined {
    return this.#reaped
  }

  /** Tokens of all actions that have ended, every attempt of them; nobody knows it for sure while an action that was given up goes on. */
  get usage(): TokenUsage {
    return this.#hung > 0 ? addUsage(this.#used, unknownUsage) : this.#used
  }

  /** The chain of a kind, composed on first use. */
  chain(kind: Kind): Chain {
    this.#chains[kind] ??= compose(this.layers, kind)
    return this.#chains[kind]
  }

  /** A context for `action`, ready to run. */
  context(action: Action, start: Start = {}): ActionContext {
    const parent = this.#enclosing(start.parent)
    return new ActionContext({
      home: this,
      number: ++this.#count,
      action,
      layers: this.chain(action.kind).layers,
      scope: new Scope(parent ? parent.scope : this.scope),
      parent,
      labels: start.labels ?? parent?.labels ?? noLabels,
    })
  }

  /** A parent that has ended well is none any more; one that was aborted stays, so that its late work is refused. */
  #enclosing(parent: ActionContext | undefined): ActionContext | undefined {
    if (!parent || parent.home !== this) return undefined
    return parent.ended && !parent.actionScope.aborted ? undefined : parent
  }

  /** Runs `core` inside the chain of the context's kind. Resolves to what the core left in `ctx.reply`. */
  async run(ctx: ActionContext, core: Core, signal?: CallerSignal): Promise<unknown> {
    const startedAt = this.clock.monotonic()
    const unlink = this.#begin(ctx, signal, startedAt)
    try {
      ctx.actionScope.throwIfAborted()
      const held = this.pass(ctx)
      if (held) await held
      ctx.core = core
      await this.#unlessHung(ctx, this.#attempts(ctx))
      this.#end(ctx, startedAt, ctx.outcome!)
      return ctx.reply
    } catch (error) {
      this.#end(ctx, startedAt, this.#lastWord(ctx, error))
      throw error
    } finally {
      unlink?.()
    }
  }

  pause(reason: string): void {
    this.#paused = reason ?? 'no reason given'
    this.#tellShut()
  }

  /** Calls `fn` whenever the gate shuts without ending what runs. */
  whenShut(fn: () => void): () => void {
    this.#shutters ??= new Set()
    this.#shutters.add(fn)
    return () => void this.#shutters!.delete(fn)
  }

  #tellShut(): void {
    for (const tell of [...(this.#shutters ?? [])]) tell()
  }

  /** Opens the gate again, after a pause or a failure of a closed layer. */
  resume(): void {
    this.#paused = undefined
    this.failing = undefined
    for (const go of this.#resumed ?? []) go()
  }

  become(to: AgentState, reason: string): void {
    const from = this.#state
    if (from === to) return
    this.#state = to
    this.events.publish({ type: 'state', from, to, reason })
  }

  /** Ends everything now, and the agent with it. */
  reap(reason: string): void {
    this.end(reason)
    if (this.#state !== 'dismissed') this.become('failedReaped', reason)
  }

  /** Ends everything now; nothing passes any more. */
  end(reason: string): void {
    const error = new AgentReapedError({ agent: this.agent.name, reason: reason ?? 'no reason given' })
    this.#reaped ??= error.reason
    this.scope.abort(error)
    this.resume()
  }

  /** Lets nothing new in, without ending what runs. */
  shut(reason: string): void {
    this.#reaped ??= reason
    for (const go of this.#resumed ?? []) go()
    this.#tellShut()
  }

  /** Resolves when no action is running. */
  idle(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve()
    this.#idle ??= new Set()
    return new Promise(resolve => this.#idle!.add(resolve))
  }

  degrade(layer: string, error: unknown): void {
    const text = error instanceof LayerError ? error.message : `${layer} failed: ${error instanceof Error ? error.name : typeof error}`
    this.degraded.set(layer, text)
    this.events.publish({ type: 'layer.degraded', layer, error: text })
  }

  fail(error: LayerError): void {
    this.failing ??= error
    this.#tellShut()
  }

  /** For as long as something is running: nothing runs on for long after the switch outside was set. */
  #watch(): void {
    if (!this.#halt || this.#watching) return
    this.#watching = true
    this.#halt.soon(() => {
      this.#watching = false
      if (this.inFlight === 0) return
      this.#abortWhereHalted()
      this.#watch()
    })
  }

  #abortWhereHalted(): void {
    const halted = this.#halt?.now()
    if (!halted) return
    this.#tellShut()
    this.scope.abortRunning(this.#haltedError(halted))
  }

  #haltedError(halted: Halted): AgentPausedError {
    return new AgentPausedError({ agent: this.agent.name, ...halted })
  }

  #begin(ctx: ActionContext, signal: CallerSignal | undefined, now: number): (() => void) | undefined {
    this.inFlight++
    this.#watch()
    this.self.actions++
    if (ctx.root === ctx) {
      this.spans.enter('wall', now)
      ctx.fold.enter('wall', now)
    }
    if (this.events.heard) this.events.publish({ type: 'action.started', kind: ctx.kind, action: ctx.id, name: nameOf(ctx.action) })
    if (!signal) return
    const abort = () => ctx.actionScope.abort(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    return () => signal.removeEventListener('abort', abort)
  }

  /** The gate: every kind, every action, every attempt. `begun`: what has begun may finish after a failure or in a close that drains. */
  pass(ctx: ActionContext, begun = false): Promise<void> | undefined {
    if (this.whenPaused === 'wait' && this.#paused !== undefined && !this.#halt?.now()) return this.#held(ctx, begun)
    const error = this.#refusal(ctx, begun)
    if (error) throw error
  }

  async #held(ctx: ActionContext, begun: boolean): Promise<void> {
    while (this.#paused !== undefined && !this.#isShutTo(ctx, begun)) await ctx.during('stopped', () => this.#untilResumed(ctx))
    const error = this.#refusal(ctx, begun)
    if (error) throw error
  }

  #refusal(ctx: ActionContext, begun: boolean): Error | undefined {
    if (this.#isShutTo(ctx, begun)) return new AgentReapedError({ agent: this.agent.name, reason: this.#reaped! })
    const halted = this.#halt?.now()
    if (halted) return this.#haltedError(halted)
    if (this.failing && !begun) return stopped(this.agent.name, this.failing)
    if (this.#paused !== undefined) return new AgentPausedError({ agent: this.agent.name, reason: this.#paused })
  }

  /** A parent that began before the sidecar was shut may finish what it started. */
  #isShutTo(ctx: ActionContext, begun: boolean): boolean {
    return this.#reaped !== undefined && !ctx.parent && !begun
  }

  #untilResumed(ctx: ActionContext): Promise<void> {
    this.#resumed ??= new Set()
    let go!: () => void
    const resumed = new Promise<void>(resolve => {
      go = resolve
    })
    this.#resumed.add(go)
    return ctx.actionScope.race(resumed).finally(() => this.#resumed!.delete(go))
  }

  async #attempts(ctx: ActionContext): Promise<void> {
    const chain = this.chain(ctx.kind)
    if (chain.reenters) return chain.run(ctx)
    ctx.startAttempt()
    try {
      await chain.run(ctx)
      ctx.endAttempt()
    } catch (error) {
      ctx.endAttempt(error)
      throw error
    }
  }

  /** A layer that ignores its signal does not hold the caller: soon after an abort the action is detached, and its holds stay until it ends. */
  #unlessHung(ctx: ActionContext, work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      let stop: (() => void) | undefined
      // By a name first: V8 puts a function that is assigned to a property where it stands into old space, garbage of every action.
      const giveUp = (reason: unknown) => {
        const detach = () => {
          this.#detach(ctx, work, reason)
          reject(reason)
        }
        stop = this.clock.after(patience, detach, { awaited: true })
      }
      ctx.actionScope.whenAborted = giveUp
      if (ctx.actionScope.aborted) giveUp(ctx.actionScope.reason)
      const over = () => {
        ctx.actionScope.whenAborted = undefined
        stop?.()
      }
      work.then(
        () => {
          over()
          resolve()
        },
        error => {
          over()
          reject(error)
        },
      )
    })
  }

  /** The caller gets its answer; what the action uses until its layers end is counted then. */
  #detach(ctx: ActionContext, work: Promise<void>, reason: unknown): void {
    ctx.hung = true
    this.#hung++
    const count = () => {
      this.#hung--
      this.#used = addUsage(this.#used, ctx.total)
    }
    const detached = work.then(count, count)
    ctx.outcome = { sent: true, ...ctx.outcome, status: 'aborted', error: reason, detached }
  }

  #lastWord(ctx: ActionContext, error: unknown): Outcome {
    const last = ctx.outcome
    const sent = last?.sent || ctx.attempts.some(attempt => attempt.outcome.sent)
    if (last && Object.is(last.error, error)) return { ...last, sent }
    if (ctx.actionScope.gave(error)) return { ...last, status: 'aborted', error, sent }
    return { status: sent ? 'error' : 'refused', error, sent }
  }

  #end(ctx: ActionContext, startedAt: number, outcome: Outcome): void {
    const now = this.clock.monotonic()
    this.self.ms += Math.max(0, now - startedAt - ctx.elsewhereMs)
    if (ctx.root === ctx) {
      this.spans.leave('wall', now)
      ctx.fold.leave('wall', now)
    }
    ctx.ended = true
    ctx.actionScope.end()
    if (!ctx.hung) this.#used = addUsage(this.#used, ctx.total)
    if (this.events.heard) this.#publishEnd(ctx, outcome)
    if (--this.inFlight === 0 && this.#idle) {
      for (const tell of this.#idle) tell()
      this.#idle = undefined
    }
  }

  #publishEnd(ctx: ActionContext, outcome: Outcome): void {
    const ms = ctx.root === ctx ? ctx.fold.totals() : undefined
    const { total, nanoUsd } = ctx
    this.events.publish({
      type: 'action.ended',
      kind: ctx.kind,
      action: ctx.id,
      name: nameOf(ctx.action),
      outcome,
      usage: total,
      nanoUsd,
      ms,
    })
  }
}

/** A fresh error for each refusal: the failure's own outcome is not that of the action refused. */
function stopped(agent: string, failing: LayerError): LayerError {
  return new LayerError(
    `${agent} is failing: ${failing.message}; mend ${failing.layer}, then call resume()`,
    { layer: failing.layer },
    failing,
  )
}

function nameOf(action: Action): string | undefined {
  switch (action.kind) {
    case 'model':
      return action.model
    case 'tool':
    case 'spawn':
      return action.name
    case 'send':
      return undefined
  }
}
