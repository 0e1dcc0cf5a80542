import { getEventListeners } from 'node:events'
import {
  type Base,
  createSidecar,
  defineMiddleware,
  type Context,
  type Io,
  type Kind,
  type Layer,
  type LayerInput,
  type SidecarEvent,
} from '../index.js'
import { type MockModel, mockModel } from './mock-model.js'
import { VirtualClock } from './virtual-clock.js'

/** The kinds that a trial drives. */
export const triedKinds = ['send', 'model', 'tool'] as const
/** One of them. */
export type TriedKind = (typeof triedKinds)[number]

/** When the caller aborts, seen from the layer: on its way in, while the inner side runs, on its way out. */
export type Phase = 'before' | 'during' | 'after'

/** What one trial does with the layer. */
export interface TrialPlan {
  readonly model: string
  /** The stack that the layer stands in. */
  readonly around: (layer: Layer) => readonly LayerInput[]
  /** Milliseconds of real time after which a run that stands still is given up. */
  readonly patienceMs: number
  /** The inner side of this kind fails. */
  readonly fails?: TriedKind
  /** The caller aborts in this phase of the layer's first action of this kind. */
  readonly stop?: { readonly kind: TriedKind; readonly phase: Phase }
  /** The clock moves on even after the abort. */
  readonly movesOn?: boolean
  /** The send is streamed. */
  readonly streamed?: boolean
  /** The model's answer is streamed. */
  readonly streamedModel?: boolean
}

/** One pass of one action through the layer. */
export interface Pass {
  readonly kind: Kind
  readonly signal: AbortSignal
  /** How often it called `next()`. */
  calls: number
  /** It returned while its `next()` was running, or never looked at how it ended. */
  forgotten: boolean
  /** What the inner side failed with, last. */
  inner?: unknown
  /** What came out of the layer. */
  outer?: unknown
  good: boolean
  readonly ctx: Context
}

/** How a run ended. */
export type Ending = { readonly reply: unknown } | { readonly error: unknown }

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const forever = (): Promise<never> => new Promise(() => {})
const standsStillMs = 20
const mostTimers = 1000

/** A promise that knows whether anybody asked how it ends: `await` on a native promise never calls `then`, on this one it does. */
class Noted extends Promise<undefined> {
  asked = false

  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  override then<A, B>(
    onDone?: ((value: undefined) => A | PromiseLike<A>) | null,
    onError?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.asked = true
    return super.then(onDone, onError)
  }
}

function noted(inner: Promise<void>): Noted {
  const promise = new Noted((resolve, reject) => inner.then(() => resolve(undefined), reject))
  Promise.prototype.then.call(promise, undefined, () => {})
  return promise
}

/** A sidecar around the layer, an agent that asks the model and runs a tool, and a clock that only this moves. */
export class Trial {
  readonly clock: VirtualClock = new VirtualClock()
  readonly mock: MockModel
  readonly passes: Pass[] = []
  readonly events: SidecarEvent[] = []
  readonly reason: Error = new Error('the caller aborts')
  readonly fault: Error = new Error('the inner side fails')
  readonly caller: AbortController = new AbortController()
  readonly layer: Layer
  readonly #plan: TrialPlan
  readonly #sidecar: Base<string, string>
  #running = 0
  #stopped = false

  constructor(layer: Layer, plan: TrialPlan) {
    this.layer = layer
    this.#plan = plan
    this.mock = this.#model()
    const watched = defineMiddleware(layer.meta, (ctx, next) => this.#watch(ctx, next))
    this.#sidecar = createSidecar({
      agent: { name: 'tried', send: (message: string, io: Io) => this.#agent(message, io) },
      use: [this.#outside(), ...plan.around(watched), this.#inside()],
      claude: { upstream: this.mock.upstream },
      clock: this.clock,
    })
    this.#sidecar.subscribe(event => this.#heard(event))
  }

  /** Did the caller abort? */
  get stopped(): boolean {
    return this.#stopped
  }

  /** Passes of one kind. */
  of(kind: Kind): readonly Pass[] {
    return this.passes.filter(pass => pass.kind === kind)
  }

  /** The live members of the layer, and its snapshot, as text. */
  shown(): string {
    const { expose = {}, snapshot } = this.layer.meta
    return JSON.stringify([expose, snapshot?.call(this.layer.meta) ?? null])
  }

  /** `abort` listeners that are left on the signals of the layer's actions and on the caller's. */
  get listeners(): number {
    return [this.caller.signal, ...this.passes.map(({ signal }) => signal)].reduce(
      (sum, signal) => sum + getEventListeners(signal, 'abort').length,
      0,
    )
  }

  /**
   * Runs one send to its end, moving the clock on where everything waits for it, but never once the caller has aborted.
   * @returns `undefined` when it does not end
   */
  async run(): Promise<Ending | undefined> {
    let ending: Ending | undefined
    this.#send().then(
      reply => {
        ending = { reply }
      },
      error => {
        ending = { error }
      },
    )
    await this.#until(() => ending !== undefined && this.#running === 0)
    return ending && this.#running === 0 ? ending : this.#giveUp()
  }

  /** Waits as long as something happens: an event, a request, or a timer that may fire. */
  async #until(over: () => boolean): Promise<void> {
    let since = performance.now()
    for (let timers = 0, seen = 0; ; ) {
      await immediate()
      if (over()) return
      const now = this.events.length + this.mock.requests.length
      const stoodMs = performance.now() - since
      if (now !== seen) since = performance.now()
      else if (this.#mayMoveOn && timers < mostTimers && stoodMs > standsStillMs) {
        await this.#fireNext()
        timers++
        since = performance.now()
      } else if (stoodMs > this.#plan.patienceMs) return
      seen = now
    }
  }

  /** Frees what stands still, so that nothing of it keeps the process. */
  async #giveUp(): Promise<undefined> {
    this.#stopped = true
    this.#sidecar.reap('the trial is given up')
    await this.clock.run().catch(() => {})
  }

  get #mayMoveOn(): boolean {
    return this.clock.pending > 0 && (!this.#stopped || this.#plan.movesOn === true)
  }

  /** One timer; the clock says by rejecting that there are more. */
  #fireNext(): Promise<void> {
    return this.clock.run({ maxTimers: 1 }).catch((error: unknown) => {
      if (!(error instanceof RangeError)) throw error
    })
  }

  async #send(): Promise<unknown> {
    const options = { signal: this.caller.signal }
    if (!this.#plan.streamed) return this.#sidecar.send('hello', options)
    const stream = this.#sidecar.stream('hello', options)
    let last: unknown
    for await (const event of stream) last = event
    const reply = await stream.reply
    if ((last as { reply?: unknown } | undefined)?.reply !== reply) throw new Error('the last event of the stream was not the reply')
    return reply
  }

  #heard(event: SidecarEvent): void {
    this.events.push(event)
    if (event.type === 'action.started') this.#running++
    if (event.type === 'action.ended') this.#running--
  }

  #model(): MockModel {
    const { fails, stop } = this.#plan
    if (fails === 'model') return mockModel().fail({ status: 400 }).fail({ status: 400 })
    if (stop?.kind !== 'model' || stop.phase !== 'during')
      return mockModel({ otherwise: () => ({ text: 'an answer', usage: { input_tokens: 12, output_tokens: 3 } }) })
    const silent = mockModel()
    void silent.next().then(() => this.#stop())
    return silent
  }

  async #agent(message: string, { claude, tool }: Io): Promise<string> {
    await this.#effect('send')
    const request = { model: this.#plan.model, max_tokens: 64, messages: [{ role: 'user' as const, content: message }] }
    const answer = this.#plan.streamedModel ? await claude.messages.stream(request).finalMessage() : await claude.messages.create(request)
    const lookup = tool({
      name: 'lookup',
      run: async (input: { readonly word: string }) => (await this.#effect('tool')) ?? input.word.length,
    })
    return `${JSON.stringify(answer.content)} ${await lookup.run({ word: message })}`
  }

  async #effect(kind: TriedKind): Promise<void> {
    const { fails, stop } = this.#plan
    if (fails === kind) throw this.fault
    if (stop?.kind !== kind || stop.phase !== 'during') return
    this.#stop()
    await forever()
  }

  #stop(): void {
    this.#stopped = true
    this.caller.abort(this.reason)
  }

  #stopsAt(pass: Pass, phase: Phase): boolean {
    const { stop } = this.#plan
    return stop?.kind === pass.kind && stop.phase === phase && !this.#stopped
  }

  #outside(): (ctx: Context, next: () => Promise<void>) => Promise<void> {
    const { passes } = this
    return async function outside(ctx, next) {
      const passOf = () => passes.findLast(candidate => candidate.ctx.id === ctx.id)
      try {
        await next()
        Object.assign(passOf() ?? {}, { good: true })
      } catch (error) {
        Object.assign(passOf() ?? {}, { outer: error })
        throw error
      }
    }
  }

  #inside(): (ctx: Context, next: () => Promise<void>) => Promise<void> {
    const { passes } = this
    return async function inside(ctx, next) {
      const pass = passes.findLast(candidate => candidate.ctx.id === ctx.id)
      if (pass) delete pass.inner
      try {
        await next()
      } catch (error) {
        if (pass) pass.inner = error
        throw error
      }
    }
  }

  async #watch(ctx: Context, next: () => Promise<void>): Promise<void> {
    const pass: Pass = { kind: ctx.kind, signal: ctx.signal, ctx, calls: 0, forgotten: false, good: false }
    this.passes.push(pass)
    let last: Noted | undefined
    const own = this.layer(ctx, () => {
      pass.calls++
      last = this.#inward(pass, next)
      return last
    })
    if (pass.calls === 0 && this.#stopsAt(pass, 'before')) setImmediate(() => this.#stopsAt(pass, 'before') && this.#stop())
    try {
      await own
    } finally {
      pass.forgotten = last !== undefined && !last.asked
    }
  }

  #inward(pass: Pass, next: () => Promise<void>): Noted {
    if (this.#stopsAt(pass, 'before')) this.#stop()
    const inner = next()
    const ended = () => {
      if (this.#stopsAt(pass, 'after')) this.#stop()
    }
    inner.then(ended, ended)
    return noted(inner)
  }
}
