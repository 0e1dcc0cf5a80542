import type { Middleware as SdkMiddleware } from '@anthropic-ai/sdk'
import { randomBytes } from 'node:crypto'
import { taken } from './sidecar/call-result.js'
import type { Tool } from './claude/handles.js'
import { clientFactory, type ClientFactory } from './claude/client.js'
import { cooperative } from './claude/cooperative.js'
import { httpUpstream } from './claude/http-upstream.js'
import { listen, type Listening, type ListenOptions } from './claude/listen.js'
import { opaqueUsage } from './claude/opaque.js'
import { type ClaudeOptions, originOf } from './claude/options.js'
import { defaultPrices } from './claude/prices.js'
import { modelUsage, type Seam } from './claude/seam.js'
import { ThreadTools } from './claude/thread-tools.js'
import { systemClock } from './core/clock.js'
import type { ActionContext, Sink } from './core/context.js'
import { normalise } from './core/define.js'
import { detachable } from './core/detach.js'
import { frozenCopy, thaw } from './core/freeze.js'
import { checkOrder } from './core/order.js'
import { AgentReapedError, ConfigError } from './core/errors.js'
import { sends } from './core/process.js'
import { Runtime } from './core/runtime.js'
import type { AgentState, Layer, LayerInput, SendAction, SidecarEvent, SpawnAction, TokenUsage } from './core/types.js'
import { noUsage } from './core/usage.js'
import { type Agent, type Call, checkAgent, type Io } from './sidecar/agent-contract.js'
import { childAccount } from './ledger/budget-account.js'
import { policyInForce, spawnRules } from './policy/in-force.js'
import { type Birth, endWith } from './sidecar/birth.js'
import { looseFrom } from './sidecar/bonds.js'
import { Children } from './sidecar/children.js'
import { Closing } from './sidecar/closing.js'
import { driveAgent } from './sidecar/drive-agent.js'
import { EventStream } from './sidecar/event-stream.js'
import { explain } from './sidecar/explain.js'
import { FetchWays } from './sidecar/fetch-way.js'
import { guardedFetch } from './sidecar/guarded-fetch.js'
import { contextOf, guardedTool } from './sidecar/guarded-tool.js'
import { type HandleMakers, Handles, type Parent } from './sidecar/handles.js'
import { inherited } from './sidecar/inherit.js'
import { type Lookup, systemLookup } from './sidecar/lookup.js'
import { KillSwitch, killSwitchFile } from './sidecar/kill-switch.js'
import { nested } from './sidecar/nested-event.js'
import { putBehind } from './sidecar/seam-behind.js'
import { mount, showMembers } from './sidecar/members.js'
import { checkOptions, checkSendOptions } from './sidecar/options.js'
import { type AnySpec, checkedSpawn, spawnAction } from './sidecar/spawn-spec.js'
import type {
  Base,
  CallResult,
  NoClash,
  ReportedViolation,
  SendOptions,
  Sidecar,
  SidecarOptions,
  SidecarStream,
  Snapshot,
} from './sidecar/types.js'

type AnyAgent = Agent<unknown, unknown, unknown>
type AnyOptions = SidecarOptions<readonly LayerInput[], unknown, unknown, unknown>

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
  return new SidecarCore(options as never, layers) as unknown as Sidecar<U, In, Out, Ev>
}

class SidecarCore implements Base<unknown, unknown, unknown> {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly parent: string | undefined
  readonly #runtime: Runtime
  readonly #seam: Seam
  readonly #agent: AnyAgent
  readonly #byFactory: boolean
  readonly #timeout: number | undefined
  readonly #lookup: Lookup
  #ways: FetchWays | undefined
  #makers: HandleMakers | undefined
  #clients: ClientFactory | undefined
  #io: Io | undefined
  #middleware: SdkMiddleware | undefined
  #listening: Set<Listening> | undefined
  readonly #birth: Birth | undefined
  #children: Children<SidecarCore> | undefined
  #sends = 0
  #closing: Promise<void> | undefined

  constructor(options: AnyOptions, layers: readonly Layer[], birth?: Birth) {
    const { agent, claude = {}, whenPaused = 'reject', clock = systemClock, lookup = systemLookup } = options
    this.#birth = birth
    this.#byFactory = typeof agent === 'function'
    this.#timeout = claude.timeout
    this.#lookup = lookup
    const identity = { id: options.id ?? '', name: '', type: '', ...(birth ? { parent: birth.host.agent.id } : {}) }
    // Here, and in no layer: what is left out of a stack must not leave out the kill switch.
    const halt = new KillSwitch(killSwitchFile())
    const runtime = new Runtime({ agent: identity, clock, layers, whenPaused, origin: birth, halt })
    this.#runtime = runtime
    this.#seam = birth ? { ...birth.seam, runtime, counts: { passed: 0 }, threads: new ThreadTools() } : seamOf(runtime, claude)
    putBehind(this, this.#seam)
    try {
      // A factory may use its handles at once: everything but the name is in place before it runs.
      const made = typeof agent === 'function' ? agent(this.io) : agent
      checkAgent(made)
      this.#agent = made
      identity.name = birth?.name || made.name
      identity.type = birth?.type ?? made.type ?? 'agent'
      identity.id ||= `${identity.name}-${randomBytes(4).toString('hex')}`
      Object.freeze(identity)
      this.id = identity.id
      this.name = identity.name
      this.type = identity.type
      this.parent = birth?.host.agent.id
      showMembers(this, layers)
      birth?.prepare(runtime.host)
      mount(layers, runtime.host)
    } catch (error) {
      // A factory may have kept its handles: nobody will ever end a sidecar that does not come to be.
      runtime.end('it was never created')
      throw error
    }
    if (birth) endWith(birth, this, runtime)
  }

  async send(message: unknown, options: SendOptions = {}): Promise<unknown> {
    checkSendOptions(options)
    const ctx = this.#sendContext(message, options)
    return this.#runSend(ctx, options.signal)
  }

  async call(message: unknown, options: SendOptions = {}): Promise<CallResult<unknown>> {
    checkSendOptions(options)
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
    checkSendOptions(options)
    return new EventStream<never, unknown>(this.#runtime.clock, this.#seam.idleMs, (sink, abandon) => {
      const ctx = this.#sendContext(message, options)
      const release: Sink = event => {
        ctx.released = true
        return sink(event)
      }
      ctx.sink = release
      abandon(reason => ctx.actionScope.abort(reason))
      if (!this.#agent.stream)
        ctx.bubble = (inner, event) => {
          // What outlives the send is read by whoever has its reply: the consumer of the events must not hold it back.
          if (ctx.ended) return
          // Taps may hold it back: another attempt would give it twice.
          ctx.released = true
          return ctx.emit(nested(inner, event))
        }
      return this.#runSend(ctx, options.signal).then(async reply => {
        if (!this.#agent.stream) await sink({ type: 'reply', reply })
        return reply
      })
    })
  }

  get children(): readonly SidecarCore[] {
    return this.#children?.alive ?? []
  }

  get io(): Io {
    this.#io ??= new Handles(this.#make, () => this.#currentSend())
    return this.#io
  }

  tool<T extends Tool>(definition: T): T {
    return this.io.tool(definition)
  }

  get fetch(): typeof fetch {
    return this.io.fetch
  }

  get middleware(): SdkMiddleware {
    this.#middleware ??= cooperative(this.#seam)
    return this.#middleware
  }

  async listen(options: ListenOptions = {}): Promise<Listening> {
    const listening = await listen(this.#seam, options)
    const { reaped } = this.#runtime
    if (reaped !== undefined) {
      await listening.close()
      throw new AgentReapedError({ agent: this.name, reason: reaped })
    }
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
  }

  get state(): AgentState {
    return this.#runtime.state
  }

  get tokenUsage(): TokenUsage {
    return this.#runtime.usage
  }

  explain(): string {
    return explain(this.#runtime, this.name)
  }

  snapshot(): Snapshot {
    const { degraded, failing, inFlight, layers, paused, state, usage } = this.#runtime
    return {
      id: this.id,
      name: this.name,
      type: this.type,
      state,
      paused: paused ?? null,
      failing: failing?.message ?? null,
      degraded: Object.fromEntries(degraded),
      inFlight,
      passed: this.#seam.counts.passed,
      tokenUsage: { ...usage },
      layers: Object.fromEntries(layers.map(({ meta }) => [meta.name, meta.snapshot?.() ?? null])),
    }
  }

  subscribe(listener: (event: SidecarEvent) => void): () => void {
    if (typeof listener !== 'function') throw new TypeError(`subscribe: the listener must be a function, got ${typeof listener}`)
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
    const parts = [...(this.#listening ?? []), ...[...runtime.layers].reverse().map(({ meta }) => meta)]
    const failed = await new Closing(runtime, drainMs).run(() => this.#children, parts)
    this.#birth?.ended(this, runtime.state === 'failedReaped' ? `reaped: ${runtime.reaped}` : 'closed')
    if (failed.length > 0) throw failed[0]
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** One for the sidecar; the SDK client's class is made with the first client. */
  get #make(): HandleMakers {
    this.#makers ??= {
      claude: parent => {
        this.#clients ??= clientFactory(this.#seam, { timeout: this.#timeout })
        return this.#clients.client({ parent })
      },
      tool: (definition, parent) => guardedTool(this.#runtime, definition, parent),
      fetch: parent => {
        this.#ways ??= new FetchWays(this.#runtime, this.#lookup)
        return guardedFetch(this.#runtime, parent, this.#ways)
      },
      spawn: (spec, parent) => this.#spawn(spec, parent),
    }
    return this.#makers
  }

  async #spawn(given: object, parent: Parent): Promise<SidecarCore> {
    const spec = checkedSpawn(given)
    const runtime = this.#runtime
    const layers = inherited(runtime.layers, normalise(spec.use))
    checkOrder(layers)
    this.#children ??= new Children(runtime)
    return this.#children.start(spec.id, async siblings => {
      const ctx = contextOf(runtime, spawnAction(spec, siblings), parent)
      let child: SidecarCore | undefined
      try {
        await runtime.run(ctx, async () => {
          // Nobody has the one of an attempt that failed.
          child?.reap('its spawn failed')
          child = this.#bear(ctx, spec, layers)
          ctx.reply = child
        })
        return child!
      } catch (error) {
        // What it took is given back: nobody has its sidecar.
        child?.reap('its spawn failed')
        throw error
      }
    })
  }

  /** Makes the child's sidecar, with the parent's way to Claude and clock. */
  #bear(ctx: ActionContext, spec: AnySpec, layers: readonly Layer[]): SidecarCore {
    const { name, type, budget } = ctx.action as SpawnAction
    if (budget && !childAccount.peek(ctx)) throw new ConfigError('spawn: budget needs withBudget in the stack of the parent')
    const { agent, rules = [], id, whenPaused = this.#runtime.whenPaused } = spec
    const { host, clock } = this.#runtime
    const birth: Birth = {
      host,
      spawn: ctx,
      seam: this.#seam,
      name,
      type: typeof agent === 'function' && spec.type === undefined ? undefined : type,
      scope: ctx.parent?.scope ?? this.#runtime.scope,
      prepare: own => spawnRules.set(own, rules),
      ended: (ended, reason) => this.#children?.ended(ended as SidecarCore, reason),
    }
    const options = {
      agent,
      use: [],
      whenPaused,
      clock,
      lookup: this.#lookup,
      claude: { timeout: this.#timeout },
      ...(id === undefined ? {} : { id }),
    }
    const child = new SidecarCore(options, layers, birth)
    const refuse = (why: string) => {
      child.reap(why)
      throw new ConfigError(`spawn: ${why}`)
    }
    if (rules.length > 0 && !policyInForce.peek(child.#runtime.host))
      refuse('rules need withViolations in the stack of the child, or of the parent')
    const loose = looseFrom(ctx, host, child.#runtime.host)
    if (loose) refuse(`${name} would not be bound by the ${loose} of its parent; a layer of its own has the name of the one that binds it`)
    return child
  }

  #sendContext(message: unknown, options: SendOptions): ActionContext {
    const { opaque } = this.#agent
    const action = Object.freeze({
      kind: 'send' as const,
      message: frozenCopy(message),
      ...(opaque ? { opaque: Object.freeze({ ...opaque }) } : {}),
    })
    const labels = Object.freeze({ ...options.labels })
    return this.#runtime.context(action, { labels })
  }

  async #runSend(ctx: ActionContext, signal: AbortSignal | undefined): Promise<unknown> {
    this.#sends++
    const runtime = this.#runtime
    if (runtime.state !== 'failedReaped' && runtime.state !== 'dismissed') runtime.become('working', 'a send began')
    try {
      return await runtime.run(ctx, () => this.#core(ctx), signal)
    } finally {
      if (--this.#sends === 0 && runtime.state === 'working') runtime.become('waitingForInput', 'the send ended')
    }
  }

  async #core(ctx: ActionContext): Promise<void> {
    // What runs is what was judged, whatever the caller does to its own object meanwhile.
    const { message } = ctx.action as SendAction
    const given = thaw(message)
    const { scope } = ctx
    const parent = () => ctx.parentIn(scope)
    const call = new Handles(this.#make, parent, ctx) as Call
    // Until the agent has ended, only it knows what it has spent.
    if (this.#agent.opaque) ctx.report({ ...noUsage, certainty: 'unknown' })
    const drive = () => driveAgent(ctx, this.#agent, given, call)
    const work = this.#byFactory ? sends().run(parent, drive) : drive()
    ctx.reply = await detachable(ctx, work, () => this.#reportOpaque(ctx, message, undefined))
    await this.#reportOpaque(ctx, message, ctx.reply)
  }

  async #reportOpaque(ctx: ActionContext, message: unknown, reply: unknown): Promise<void> {
    const { opaque } = this.#agent
    if (!opaque) return
    const usage = await opaqueUsage(opaque, message, reply)
    modelUsage.set(ctx, usage)
    ctx.report(usage.tokens)
  }

  #currentSend(): ActionContext | undefined {
    return this.#byFactory ? sends().getStore()?.() : undefined
  }
}

function seamOf(runtime: Runtime, claude: ClaudeOptions): Seam {
  const { upstream = httpUpstream, maxMessageBytes = 32 * 2 ** 20, idleMs = 300_000, refusedTools = 'text' } = claude
  return {
    runtime,
    upstream,
    origin: originOf(claude, process.env),
    prices: defaultPrices,
    maxMessageBytes,
    idleMs,
    refusedTools,
    counts: { passed: 0 },
    threads: new ThreadTools(),
  }
}
