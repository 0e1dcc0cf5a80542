import type { MessagesStreamEvent } from '../claude/accumulate.js'
import { encodeSse } from '../claude/sse.js'
import type { WireReply, WireRequest } from '../claude/wire.js'
import type { Clock } from '../core/clock.js'
import { UpstreamError } from '../core/errors.js'
import type { Json } from '../core/types.js'
import { BodyPipe } from './body-pipe.js'
import { errorBodyOf, errorOf, eventsOf, type FailSpec, messageOf, type ReplySpec, replySpec } from './messages.js'

/** A scripted answer that may take time; with a `clock` only. */
export interface MockReply extends ReplySpec {
  /** Milliseconds before the answer begins. */
  readonly delayMs?: number
  /** Milliseconds between two events of a stream. */
  readonly betweenMs?: number
}

/** Where in an answer something goes wrong. */
export interface FaultPoint {
  /** How many events come first. Without a stream: half of the body does, when this is set. */
  readonly after?: number
  /** The answer that is not finished. Default: a short text. */
  readonly reply?: ReplySpec | string
}

/** A request as it arrived. */
export interface MockRequest {
  /** 1 for the first. */
  readonly n: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** The exact body. */
  readonly bodyText: string
  /** The parsed body. */
  readonly request: { readonly [key: string]: Json }
  /** Has the caller gone away: has its abort fired, or did it leave the body before the end? */
  readonly aborted: boolean
}

/** One arrived request, to be answered step by step. */
export interface Pending extends MockRequest {
  /** Resolves when the caller has gone away or has read the whole answer. */
  readonly closed: Promise<void>
  /** Answers with a whole message, streamed if the request asks for that. */
  reply(spec: MockReply | string): void
  /** Answers with an error status. */
  fail(spec: FailSpec): void
  /** Breaks the connection: before the answer, or after some events. */
  disconnect(options?: FaultPoint & { readonly code?: string }): void
  /** Answers no more: nothing at all, or after some events. */
  hang(options?: FaultPoint): void
  /** Ends the answer too early, as if it were whole. */
  cut(options?: FaultPoint): void
  /** Sends an `error` event in the stream and ends it. */
  sseError(options?: FaultPoint & { readonly type?: string; readonly message?: string; readonly errorCode?: string }): void
  /** Sends one event of a stream. @throws TypeError when the request did not ask for a stream. */
  event(event: MessagesStreamEvent): void
  /** Ends the stream. */
  end(): void
}

/** A `Pending` with what the mock needs to drive it. */
export class MockExchange implements Pending {
  readonly n: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly bodyText: string
  readonly request: { readonly [key: string]: Json }
  readonly closed: Promise<void>
  /** The answer, once it begins. */
  readonly head: Promise<WireReply>
  #aborted = false
  #started = false
  readonly #clock: Clock | undefined
  readonly #signal: AbortSignal
  readonly #body: BodyPipe
  #begin!: (reply: WireReply) => void
  #refuse!: (error: UpstreamError) => void
  #close!: () => void
  #forget: () => void = () => undefined

  constructor(n: number, wire: WireRequest, abort: AbortSignal, clock?: Clock) {
    this.n = n
    this.path = new URL(wire.url, 'http://mock').pathname
    this.headers = wire.headers
    this.bodyText = wire.body ?? ''
    this.request = parsed(this.bodyText)
    this.#clock = clock
    this.#signal = abort
    this.head = new Promise((resolve, reject) => {
      this.#begin = resolve
      this.#refuse = reject
    })
    // A script that does not fit is an error of its own, and nobody waits for the answer then.
    this.head.catch(() => {})
    this.closed = new Promise(resolve => {
      this.#close = resolve
    })
    this.#body = new BodyPipe(whole => this.#left(whole))
    abort.addEventListener('abort', this.#abort, { once: true })
  }

  get aborted(): boolean {
    return this.#aborted
  }

  get streamed(): boolean {
    return this.request.stream === true
  }

  reply(spec: MockReply | string): void {
    const { delayMs = 0, betweenMs = 0, ...rest } = typeof spec === 'string' ? { text: spec } : spec
    const reply = replySpec(rest)
    const chunks = this.#chunksOf(reply)
    if (this.#aborted) return
    this.#later(delayMs, () => {
      this.#start(200, reply.headers)
      this.#send(chunks, betweenMs)
    })
  }

  fail(spec: FailSpec): void {
    const body = errorBodyOf(spec, this.#requestId)
    this.#start(spec.status, spec.headers, 'application/json')
    this.#finish(JSON.stringify(body))
  }

  /** Answers with this JSON, streamed or not. */
  json(body: object): void {
    this.#start(200, {}, 'application/json')
    this.#finish(JSON.stringify(body))
  }

  disconnect(options: FaultPoint & { readonly code?: string } = {}): void {
    const code = options.code ?? 'ECONNRESET'
    const error = new UpstreamError(`the connection to the Messages API failed (${code})`, { code, retryable: true })
    this.#part(options)
    if (this.#started) this.#body.fail(error)
    else this.#reject(error)
  }

  hang(options: FaultPoint = {}): void {
    this.#part(options)
  }

  cut(options: FaultPoint = {}): void {
    this.#part(this.#started ? {} : { after: 0, ...options })
    this.#finish()
  }

  sseError(options: FaultPoint & { readonly type?: string; readonly message?: string; readonly errorCode?: string } = {}): void {
    this.#requireStream('sseError')
    this.#part(this.#started ? {} : { after: 0, ...options })
    this.#finish(encodeSse('error', { type: 'error', error: errorOf(options.type ?? 'overloaded_error', options) }))
  }

  event(event: MessagesStreamEvent): void {
    this.#requireStream('event')
    if (!this.#started) this.#start(200)
    this.#body.push(encodeSse(event.type, event))
  }

  end(): void {
    if (!this.#started) this.#start(200)
    this.#finish()
  }

  get #requestId(): string {
    return `req_mock_${this.n}`
  }

  #chunksOf(spec: ReplySpec): readonly string[] {
    const message = messageOf(spec, { n: this.n, model: String(this.request.model), bodyText: this.bodyText })
    return this.streamed ? eventsOf(message, spec).map(event => encodeSse(event.type, event)) : [JSON.stringify(message)]
  }

  #part({ after, reply = 'An answer that is not finished.' }: FaultPoint): void {
    if (after === undefined) return
    checkFault({ after })
    const chunks = this.#chunksOf(replySpec(reply))
    this.#start(200)
    if (this.streamed) for (const chunk of chunks.slice(0, after)) this.#body.push(chunk)
    else this.#body.push(chunks[0]!.slice(0, chunks[0]!.length / 2))
  }

  #start(
    status: number,
    headers: Readonly<Record<string, string>> = {},
    type: string = this.streamed ? 'text/event-stream; charset=utf-8' : 'application/json',
  ): void {
    if (this.#aborted) return
    if (this.#started) throw new TypeError(`request ${this.n} has its answer already; answer each request once`)
    this.#started = true
    this.#begin({ status, headers: { 'content-type': type, 'request-id': this.#requestId, ...headers }, body: this.#body })
  }

  #send(chunks: readonly string[], betweenMs: number, from = 0): void {
    const last = betweenMs === 0 ? chunks.length : from + 1
    for (const chunk of chunks.slice(from, last)) this.#body.push(chunk)
    if (last >= chunks.length) this.#body.end()
    else this.#later(betweenMs, () => this.#send(chunks, betweenMs, last))
  }

  #finish(chunk?: string): void {
    if (chunk !== undefined) this.#body.push(chunk)
    this.#body.end()
  }

  #later(ms: number, go: () => void): void {
    if (ms > 0 && this.#clock === undefined) throw new TypeError('a reply that takes time needs a clock; give mockModel({ clock })')
    if (ms > 0) this.#forget = this.#clock!.after(ms, go)
    else go()
  }

  #requireStream(what: string): void {
    if (!this.streamed) throw new TypeError(`${what} is for streams, and request ${this.n} has no stream: true; use reply() or fail()`)
  }

  #reject(error: UpstreamError): void {
    if (this.#started) return
    this.#started = true
    this.#refuse(error)
    this.#left(true)
  }

  readonly #abort = (): void => {
    const error = abortedError()
    this.#aborted = true
    this.#body.destroy(error)
    this.#reject(error)
    this.#left(false)
  }

  #left(whole: boolean): void {
    this.#aborted ||= !whole
    this.#signal.removeEventListener('abort', this.#abort)
    this.#forget()
    this.#close()
  }
}

/** Checks where a fault is to happen. @throws RangeError when `after` is no number of events. */
export function checkFault({ after = 0, reply = '' }: FaultPoint = {}): void {
  if (!Number.isSafeInteger(after) || after < 0) throw new RangeError(`after is ${after}; give a whole number of events, 0 or more`)
  replySpec(reply)
}

/** What the mock rejects with, and breaks a body with, when the caller's `abort` fires. */
export function abortedError(): UpstreamError {
  return new UpstreamError('the request was aborted by its caller', { code: 'ABORTED' })
}

function parsed(bodyText: string): { readonly [key: string]: Json } {
  try {
    const body: unknown = JSON.parse(bodyText)
    return typeof body === 'object' && body !== null ? (body as { [key: string]: Json }) : {}
  } catch {
    return {}
  }
}
