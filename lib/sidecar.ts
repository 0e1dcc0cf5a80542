import type Anthropic from '@anthropic-ai/sdk'
import type { Middleware as SdkMiddleware } from '@anthropic-ai/sdk'
import { randomBytes } from 'node:crypto'
import { type Agent, type Call, checkAgent, type Io, type Tool } from './agent.js'
import { type Binding, clientFactory, type ClientFactory } from './claude/client.js'
import { cooperative } from './claude/cooperative.js'
import { httpUpstream } from './claude/http-upstream.js'
import { listen, type Listening, type ListenOptions } from './claude/listen.js'
import { opaqueUsage } from './claude/opaque.js'
import { checkClaudeOptions, type ClaudeOptions, originOf } from './claude/options.js'
import { defaultPrices } from './claude/prices.js'
import { modelUsage, type Seam } from './claude/seam.js'
import { systemClock } from './core/clock.js'
import type { ActionContext, Sink } from './core/context.js'
import { normalise } from './core/define.js'
import { ConfigError } from './core/errors.js'
import { frozenCopy, thaw } from './core/freeze.js'
import { checkOrder } from './core/order.js'
import { sends } from './core/process.js'
import { Runtime } from './core/runtime.js'
import type { AgentState, Json, Layer, LayerInput, SidecarEvent, TokenUsage } from './core/types.js'
import { addUsage, noUsage } from './core/usage.js'
import { EventStream } from './event-stream.js'
import { explain } from './explain.js'
import { guardedFetch, guardedTool } from './guarded-tool.js'
import type { Base, CallResult, NoClash, ReportedViolation, SendOptions, Sidecar, SidecarOptions, SidecarStream } from './sidecar-types.js'

type AnyAgent = Agent<unknown, unknown, unknown>

const known = new Set(['agent', 'use', 'claude', 'whenPaused', 'id', 'clock'])
const attached = new WeakSet<Layer>()

/**
 * Puts an agent behind a chain of layers and returns one flat object: send, stream and call, and the live members of its layers.
 *
 * @throws TypeError or RangeError on a wrong or unknown option, StackOrderError on a wrong order, ConfigError on two members of one name:
 * all at once, before anything runs
 */
export function createSidecar<const U extends readonly LayerInput[], In = string, Out = unknown, Ev = never>(
  options: SidecarOptions<U, In, Out, Ev> & NoClash<U>,
): Sidecar<U, In, Out, Ev> {
  checkOptions(options)
  const layers = normalise(options.use)
  checkOrder(layers)
  const sidecar = new SidecarCore(options as never, layers)
  showMembers(sidecar, layers)
  sidecar.attach()
  return sidecar as unknown as Sidecar<U, In, Out, Ev>
}

function checkOptions(options: object): asserts options is SidecarOptions<readonly LayerInput[], unknown, unknown, unknown> {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('createSidecar needs an object: createSidecar({ agent, use: [] })')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`createSidecar: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { use, whenPaused, claude, id } = options as Partial<SidecarOptions<readonly LayerInput[], unknown, unknown, unknown>>
  if (!Array.isArray(use)) throw new TypeError('createSidecar: use must be a list of layers, outermost first')
  if (whenPaused !== undefined && whenPaused !== 'reject' && whenPaused !== 'wait')
    throw new TypeError(`createSidecar: whenPaused must be 'reject' or 'wait', got ${JSON.stringify(whenPaused)}`)
  if (id !== undefined && (typeof id !== 'string' || id === '')) throw new TypeError('createSidecar: id must be a non-empty string')
  if (claude !== undefined) checkClaudeOptions(claude)
}

/** Copies the property descriptors of what layers expose, so that getters stay live. */
function showMembers(sidecar: SidecarCore, layers: readonly Layer[]): void {
  const owners = new Map<string, string>()
  for (const { meta } of layers) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(meta.expose ?? {}))) {
      const owner = owners.get(name) ?? (name in sidecar || name === 'then' ? 'the sidecar' : undefined)
      if (owner) throw new ConfigError(`${meta.name} exposes "${name}", which ${owner} has already; rename it`)
      owners.set(name, meta.name)
      const fixed = 'value' in descriptor ? { writable: false } : {}
      Object.defineProperty(sidecar, name, { ...descriptor, ...fixed, enumerable: true, configurable: false })
    }
  }
}

class SidecarCore implements Base<unknown, unknown, unknown> {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly parent: string | undefined = undefined
  readonly #runtime: Runtime
  readonly #seam: Seam
  readonly #agent: AnyAgent
  readonly #byFactory: boolean
  readonly #timeout: number | undefined
  #clients: ClientFactory | undefined
  #io: Io | undefined
  #middleware: SdkMiddleware | undefined
  #listening: Set<Listening> | undefined
  #state: AgentState = 'summoned'
  #sends = 0
  #closing: Promise<void> | undefined

  constructor(options: SidecarOptions<readonly LayerInput[], unknown, unknown, unknown>, layers: readonly Layer[]) {
    const { agent, claude = {}, whenPaused = 'reject', clock = systemClock } = options
    this.#byFactory = typeof agent === 'function'
    this.#timeout = claude.timeout
    const identity = { id: options.id ?? '', name: '', type: '' }
    this.#runtime = new Runtime({ agent: identity, clock, layers, whenPaused })
    this.#seam = seamOf(this.#runtime, claude)
    // A factory may use its handles at once: everything but the name is in place before it runs.
    const made = typeof agent === 'function' ? agent(this.io) : agent
    checkAgent(made)
    this.#agent = made
    identity.name = made.name
    identity.type = made.type ?? 'agent'
    identity.id ||= `${made.name}-${randomBytes(4).toString('hex')}`
    Object.freeze(identity)
    this.id = identity.id
    this.name = identity.name
    this.type = identity.type
  }

  /** Mounts the layers that want to know their sidecar. */
  attach(): void {
    const { host, layers } = this.#runtime
    const mounted = layers.filter(layer => layer.meta.attach)
    const taken = mounted.find(layer => attached.has(layer))
    if (taken) throw new ConfigError(`this ${taken.meta.name} belongs to another sidecar already; make a fresh one for each`)
    for (const layer of mounted) {
      attached.add(layer)
      layer.meta.attach!(host)
    }
  }

  async send(message: unknown, options: SendOptions = {}): Promise<unknown> {
    const ctx = this.#sendContext(message, options)
    return this.#runSend(ctx, options.signal)
  }

  async call(message: unknown, options: SendOptions = {}): Promise<CallResult<unknown>> {
    const ctx = this.#sendContext(message, options)
    const violations: ReportedViolation[] = []
    const stop = this.subscribe(event => {
      if (event.type === 'violation' && event.action && ctx.task.has(event.action)) violations.push(event)
    })
    try {
      const reply = await this.#runSend(ctx, options.signal)
      return { reply, id: ctx.id, ...taken(ctx), violations, ms: ctx.fold.totals() }
    } finally {
      stop()
    }
  }

  stream(message: unknown, options: SendOptions = {}): SidecarStream<never, unknown> {
    return new EventStream<never, unknown>(this.#runtime.clock, this.#seam.idleMs, (sink, abandon) => {
      const ctx = this.#sendContext(message, options, sink)
      abandon(reason => ctx.actionScope.abort(reason))
      if (!this.#agent.stream) ctx.bubble = (inner, event) => sink(nested(inner, event))
      return this.#runSend(ctx, options.signal).then(async reply => {
        if (!this.#agent.stream) await sink({ type: 'reply', reply })
        return reply
      })
    })
  }

  get io(): Io {
    this.#io ??= new Handles(this, () => this.#currentSend())
    return this.#io
  }

  tool<T extends Tool>(definition: T): T {
    return this.io.tool(definition)
  }

  get fetch(): typeof fetch {
    return this.io.fetch
  }

  get middleware(): SdkMiddleware {
    const { runtime, prices, maxMessageBytes, idleMs } = this.#seam
    this.#middleware ??= cooperative({ runtime, prices, maxMessageBytes, idleMs })
    return this.#middleware
  }

  async listen(options: ListenOptions = {}): Promise<Listening> {
    const listening = await listen(this.#seam, options)
    this.#listening ??= new Set()
    this.#listening.add(listening)
    return listening
  }

  pause(reason: string): void {
    this.#runtime.pause(reason)
  }

  resume(): void {
    this.#runtime.resume()
  }

  reap(reason: string): void {
    this.#runtime.reap(reason)
    this.#become('failedReaped', reason)
  }

  get state(): AgentState {
    return this.#state
  }

  get tokenUsage(): TokenUsage {
    return this.#runtime.usage
  }

  explain(): string {
    return explain(this.#runtime, this.name)
  }

  snapshot(): { readonly [key: string]: Json } {
    const { degraded, failing, inFlight, layers, paused, usage } = this.#runtime
    return {
      id: this.id,
      name: this.name,
      type: this.type,
      state: this.#state,
      paused: paused ?? null,
      failing: failing?.message ?? null,
      degraded: Object.fromEntries(degraded),
      inFlight,
      passed: this.#seam.passed,
      tokenUsage: { ...usage },
      layers: Object.fromEntries(layers.map(({ meta }) => [meta.name, meta.snapshot?.() ?? null])),
    }
  }

  subscribe(listener: (event: SidecarEvent) => void): () => void {
    return this.#runtime.events.subscribe(listener)
  }

  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    const { drainMs = 10_000 } = options
    if (!(drainMs >= 0)) throw new RangeError(`close: drainMs must be milliseconds from 0, got ${drainMs}`)
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  async #close(drainMs: number): Promise<void> {
    const runtime = this.#runtime
    runtime.shut('closed')
    let stop: (() => void) | undefined
    const patience = new Promise<void>(resolve => {
      stop = runtime.clock.after(drainMs, resolve)
    })
    await Promise.race([runtime.idle(), patience])
    stop?.()
    runtime.reap('closed')
    const closers = [...runtime.layers].reverse().map(
      ({ meta }) =>
        () =>
          meta.close?.(),
    )
    const errors: unknown[] = []
    for (const close of [...[...(this.#listening ?? [])].map(listening => () => listening.close()), ...closers]) {
      try {
        await close()
      } catch (error) {
        errors.push(error)
      }
    }
    if (this.#state !== 'failedReaped') this.#become('dismissed', 'closed')
    if (errors.length > 0) throw errors[0]
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Handles for one send, or for code outside any. */
  client(binding: Binding): Anthropic {
    this.#clients ??= clientFactory(this.#seam, { timeout: this.#timeout })
    return this.#clients.client(binding)
  }

  guardTool<T extends Tool>(definition: T, parent: () => ActionContext | undefined): T {
    return guardedTool(this.#runtime, definition, parent)
  }

  guardFetch(parent: () => ActionContext | undefined): typeof fetch {
    return guardedFetch(this.#runtime, parent)
  }

  #sendContext(message: unknown, options: SendOptions, sink?: Sink): ActionContext {
    const { opaque } = this.#agent
    const action = Object.freeze({
      kind: 'send' as const,
      message: frozenCopy(message),
      ...(opaque ? { opaque: Object.freeze({ ...opaque }) } : {}),
    })
    const labels = Object.freeze({ ...options.labels })
    return this.#runtime.context(action, { labels, ...(sink ? { sink } : {}) })
  }

  async #runSend(ctx: ActionContext, signal: AbortSignal | undefined): Promise<unknown> {
    this.#sends++
    if (this.#state !== 'failedReaped' && this.#state !== 'dismissed') this.#become('working', 'a send began')
    try {
      return await this.#runtime.run(ctx, () => this.#core(ctx), signal)
    } finally {
      if (--this.#sends === 0 && this.#state === 'working') this.#become('waitingForInput', 'the send ended')
    }
  }

  async #core(ctx: ActionContext): Promise<void> {
    // What runs is what was judged, whatever the caller does to its own object meanwhile.
    const given = thaw((ctx.action as { readonly message: unknown }).message)
    const call = new Handles(this, () => ctx, ctx) as Call
    const drive = () => drivenAgent(ctx, this.#agent, given, call)
    const work = this.#byFactory ? sends().run(ctx, drive) : drive()
    ctx.reply = await detachable(ctx, work, () => this.#reportOpaque(ctx, given, undefined))
    await this.#reportOpaque(ctx, given, ctx.reply)
  }

  async #reportOpaque(ctx: ActionContext, message: unknown, reply: unknown): Promise<void> {
    const { opaque } = this.#agent
    if (!opaque) return
    const usage = await opaqueUsage(opaque, message, reply)
    modelUsage.set(ctx, usage)
    ctx.report(usage.tokens)
  }

  #currentSend(): ActionContext | undefined {
    return this.#byFactory ? sends().getStore() : undefined
  }

  #become(to: AgentState, reason: string): void {
    const from = this.#state
    if (from === to) return
    this.#state = to
    this.#runtime.events.publish({ type: 'state', from, to, reason })
  }
}

/** The handles of one send (or of none), each made on first use. */
class Handles implements Io {
  readonly #sidecar: SidecarCore
  readonly #parent: () => ActionContext | undefined
  readonly #ctx: ActionContext | undefined
  #claude: Anthropic | undefined
  #fetch: typeof fetch | undefined

  constructor(sidecar: SidecarCore, parent: () => ActionContext | undefined, ctx?: ActionContext) {
    this.#sidecar = sidecar
    this.#parent = parent
    this.#ctx = ctx
  }

  get id(): string | undefined {
    return this.#ctx?.id
  }

  get signal(): AbortSignal | undefined {
    return this.#ctx?.signal
  }

  get claude(): Anthropic {
    this.#claude ??= this.#sidecar.client({ parent: this.#parent })
    return this.#claude
  }

  get tool(): Io['tool'] {
    return definition => this.#sidecar.guardTool(definition, this.#parent)
  }

  get fetch(): typeof fetch {
    this.#fetch ??= this.#sidecar.guardFetch(this.#parent)
    return this.#fetch
  }
}

function seamOf(runtime: Runtime, claude: ClaudeOptions): Seam {
  const { upstream = httpUpstream, maxMessageBytes = 32 * 2 ** 20, idleMs = 300_000 } = claude
  return { runtime, upstream, origin: originOf(claude, process.env), prices: defaultPrices, maxMessageBytes, idleMs, passed: 0 }
}

/** Drives the agent inside its own context; a generator's events are released one by one. */
async function drivenAgent(ctx: ActionContext, agent: AnyAgent, message: unknown, call: Call): Promise<unknown> {
  if (!agent.stream || (agent.send && !ctx.sink)) return agent.send!(message, call)
  const events = agent.stream(message, call)
  const { scope } = ctx
  try {
    for (;;) {
      const { done, value } = await events.next()
      scope.throwIfAborted()
      if (done) {
        await ctx.taps?.end()
        return value
      }
      ctx.released ||= ctx.sink !== undefined
      await ctx.emit(value)
    }
  } catch (error) {
    const ended = events.return(undefined).catch(() => {})
    // The caller has its answer already: the action stays detached until the agent has cleaned up.
    if (scope.aborted) await ended
    throw error
  }
}

/** Rejects at once on abort; the action is then marked detached until the agent itself has ended. */
async function detachable<T>(ctx: ActionContext, work: Promise<T>, onEnd: () => Promise<void>): Promise<T> {
  let pending = true
  const ended = work.then(
    () => {},
    () => {},
  )
  ended.then(() => {
    pending = false
  })
  try {
    return await ctx.elsewhere(ctx.scope.race(work))
  } catch (error) {
    const aborted = ctx.scope.aborted && error === ctx.scope.reason
    const detached = aborted && pending ? ended.then(onEnd) : undefined
    if (!detached) await onEnd()
    ctx.outcome = { status: aborted ? 'aborted' : 'error', error, sent: true, ...(detached ? { detached } : {}) }
    throw error
  }
}

function nested(ctx: ActionContext, event: unknown): unknown {
  const path: string[] = []
  for (let at: ActionContext | undefined = ctx; at; at = at.parent) path.unshift(at.id)
  const { kind, id: action } = ctx
  return kind === 'model' ? { type: kind, action, path, event } : { type: kind, action, path, ...(event as object) }
}

function taken(ctx: ActionContext): { usage: TokenUsage; nanoUsd: number | undefined; attempts: CallResult<unknown>['attempts'] } {
  const { attempts } = ctx.task
  let usage: TokenUsage = noUsage
  let nanoUsd: number | undefined = 0
  for (const attempt of attempts) {
    usage = addUsage(usage, attempt.usage)
    nanoUsd = nanoUsd === undefined || attempt.nanoUsd === undefined ? undefined : nanoUsd + attempt.nanoUsd
  }
  return { usage, nanoUsd, attempts }
}
