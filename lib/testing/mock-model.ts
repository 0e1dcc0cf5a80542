import type { Upstream } from '../claude/wire.js'
import type { Clock } from '../core/clock.js'
import { errorBodyOf, mockTokens, type FailSpec, replySpec } from './messages.js'
import { abortedError, checkFault, type FaultPoint, MockExchange, type MockReply, type MockRequest, type Pending } from './mock-request.js'

/** How a mock model behaves besides its script. */
export interface MockModelOptions {
  /** The answer to a request for which nothing is queued. Without it such a request waits for `next()` or for what is queued later. */
  readonly otherwise?: (request: MockRequest) => MockReply | string
  /** For replies with `delayMs` or `betweenMs`: the mock has no timers of its own. */
  readonly clock?: Clock
}

type Step = (pending: Pending) => void

/**
 * A scripted Messages API without network or timers, driven by hand: queue what comes next with `reply`, `fail` and the faults, or take the
 * next request with `next()` and answer it event by event. Each request is streamed or not as it asks, with equal content and usage.
 */
export class MockModel {
  readonly #requests: MockExchange[] = []
  readonly #queue: Step[] = []
  readonly #takers: ((pending: Pending) => void)[] = []
  readonly #waiting: MockExchange[] = []
  readonly #options: MockModelOptions

  constructor(options: MockModelOptions = {}) {
    this.#options = options
  }

  /**
   * The way in: put it where a sidecar expects its upstream. When `abort` fires it rejects, and breaks the body, at once with an
   * `UpstreamError` of `upstream.code` `ABORTED`. `count_tokens` is answered with a token for every four bytes;
   * other paths but `/v1/messages` get a 404.
   */
  readonly upstream: Upstream = async (wire, abort) => {
    if (abort.aborted) throw abortedError()
    const exchange = new MockExchange(this.#requests.length + 1, wire, abort, this.#options.clock)
    this.#requests.push(exchange)
    this.#arrived(exchange)
    return exchange.head
  }

  /** All that arrived, first to last. */
  get requests(): readonly MockRequest[] {
    return this.#requests
  }

  /** How many queued answers are not used yet: 0 at the end of a test that asked all it meant to. */
  get queued(): number {
    return this.#queue.length
  }

  /** Queues an answer. */
  reply(spec: MockReply | string): this {
    if (typeof spec !== 'string') this.#check(spec)
    return this.#script(pending => pending.reply(spec))
  }

  /** Queues an error answer. @throws RangeError when the status is no error. */
  fail(spec: FailSpec): this {
    errorBodyOf(spec, '')
    return this.#script(pending => pending.fail(spec))
  }

  /** Queues a broken connection: before the answer, or after some events. Default code `ECONNRESET`. */
  disconnect(options?: FaultPoint & { readonly code?: string }): this {
    checkFault(options)
    return this.#script(pending => pending.disconnect(options))
  }

  /** Queues silence: no answer, or no more of it after some events, until the caller goes away. */
  hang(options?: FaultPoint): this {
    checkFault(options)
    return this.#script(pending => pending.hang(options))
  }

  /** Queues an answer that ends too early, as if it were whole. */
  cut(options?: FaultPoint): this {
    checkFault(options)
    return this.#script(pending => pending.cut(options))
  }

  /** Queues a stream with an `error` event, `overloaded_error` unless `type` says otherwise. */
  sseError(options?: FaultPoint & { readonly type?: string; readonly message?: string; readonly errorCode?: string }): this {
    checkFault(options)
    return this.#script(pending => pending.sseError(options))
  }

  /** The next request that nothing has answered, to be answered by hand. Goes before what is queued. */
  next(): Promise<Pending> {
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) return Promise.resolve(waiting)
    return new Promise(resolve => this.#takers.push(resolve))
  }

  #check({ delayMs = 0, betweenMs = 0, ...rest }: MockReply): void {
    replySpec(rest)
    for (const ms of [delayMs, betweenMs])
      if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`a reply cannot take ${ms} ms; give 0 or more`)
    if (delayMs + betweenMs > 0 && this.#options.clock === undefined)
      throw new TypeError('a reply that takes time needs a clock; give mockModel({ clock })')
  }

  #script(step: Step): this {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#queue.push(step)
    else step(waiting)
    return this
  }

  #arrived(exchange: MockExchange): void {
    if (exchange.path.endsWith('/v1/messages/count_tokens')) exchange.json({ input_tokens: mockTokens(exchange.bodyText) })
    else if (!exchange.path.endsWith('/v1/messages')) exchange.fail({ status: 404 })
    else if (exchange.request.model === undefined) exchange.fail({ status: 400, message: 'the body is not JSON with a model' })
    else this.#answer(exchange)
  }

  #answer(exchange: MockExchange): void {
    const taker = this.#takers.shift()
    const step = taker ?? this.#queue.shift()
    if (step !== undefined) step(exchange)
    else if (this.#options.otherwise !== undefined) exchange.reply(this.#options.otherwise(exchange))
    else this.#waitFor(exchange)
  }

  #waitFor(exchange: MockExchange): void {
    this.#waiting.push(exchange)
    void exchange.closed.then(() => {
      const at = this.#waiting.indexOf(exchange)
      if (at >= 0) this.#waiting.splice(at, 1)
    })
  }
}

/** A scripted Messages API for tests: see `MockModel`. */
export function mockModel(options: MockModelOptions = {}): MockModel {
  return new MockModel(options)
}

export type { FailSpec, ReplySpec, ToolUseSpec } from './messages.js'
export type { FaultPoint, MockReply, MockRequest, Pending } from './mock-request.js'
