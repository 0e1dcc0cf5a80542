import type { ActionContext } from '../core/context.js'
import { OutriggerError, TruncatedStreamError, UpstreamError } from '../core/errors.js'
import type { Scope } from '../core/scope.js'
import { cost } from '../core/slot.js'
import type { ModelAction, Outcome } from '../core/types.js'
import { type AssistantMessage, MessageAccumulator, type MessagesStreamEvent } from './accumulate.js'
import { billedModel } from './billed-model.js'
import { tooLong } from './body-text.js'
import { cutUsage, outputBytes } from './cut.js'
import { classify, statusOfType, unbilledTypes } from './failure.js'
import { lost } from './http-upstream.js'
import { priceOf, type PriceTable } from './prices.js'
import { eventOf, parseMessage, understood } from './read-answer.js'
import { withAnswer } from './reply.js'
import { modelMessage, modelPrices, modelUsage, type Seam } from './seam.js'
import { SseDecoder, type SseFrame } from './sse.js'
import { ToolHold } from './tool-hold.js'
import { type ModelUsage, usageOf, zeroUsage } from './usage.js'
import { UsageMeter } from './usage-meter.js'
import type { WireReply, WireRequest } from './wire.js'

/** What an attempt does with the answer that it reads. */
export interface Receiver {
  /** A good head has come. */
  head(reply: WireReply): void
  /** The exact text of an event that comes next. */
  raw(event: object, text: string): void
  /** A frame that is no event, such as a comment: passed on as it is. */
  aside(text: string): void | Promise<void>
  /** A whole message that was not streamed. */
  message(message: AssistantMessage, text: string): Promise<void>
}

/** One request on the wire: sends it, reads the answer once, and leaves outcome and usage behind on every exit. */
export class WireAttempt {
  readonly #ctx: ActionContext
  readonly #seam: Seam
  readonly #receiver: Receiver
  readonly #scope: Scope
  readonly #action: ModelAction
  /** Ends the request on the wire. It has no reason: the transport must not reject with an error of ours. */
  readonly #abort = new AbortController()
  readonly #prices: PriceTable
  readonly #meter: UsageMeter
  readonly #accumulator: MessageAccumulator
  #sent = false
  #events = 0
  #openTool = false
  #lastWaitMs = 0
  #heldBackMs = 0
  #restBy: number | undefined
  #usage: ModelUsage | undefined

  constructor(ctx: ActionContext, seam: Seam, receiver: Receiver) {
    this.#ctx = ctx
    this.#seam = seam
    this.#receiver = receiver
    this.#scope = ctx.scope
    this.#action = ctx.action as ModelAction
    this.#prices = modelPrices.peek(ctx) ?? seam.prices
    this.#meter = new UsageMeter()
    this.#accumulator = new MessageAccumulator({ maxMessageBytes: seam.maxMessageBytes })
  }

  /** Sends `request` and reads the answer to its end. Rejects with a typed error, or with the reason of the abort. */
  async run(request: WireRequest): Promise<void> {
    const forget = this.#scope.onAbort(() => this.#abort.abort())
    try {
      await this.#exchange(request)
      this.#settle({ status: 'done', sent: true })
    } catch (error) {
      this.#abort.abort()
      throw this.#failed(error)
    } finally {
      forget()
    }
  }

  async #exchange(request: WireRequest): Promise<void> {
    this.#scope.throwIfAborted()
    this.#sent = true
    const reply = await this.#waiting(this.#seam.upstream(request, this.#abort.signal))
    if (reply.status >= 400) throw await this.#errorAnswer(reply)
    if (this.#action.stream && !wholeAnswer.test(reply.headers['content-type'] ?? '')) await this.#readStream(reply)
    else await this.#readWhole(reply)
  }

  /** Time until the model's next byte is token time; time in which a slow consumer holds us back is not. */
  async #waiting<T>(work: Promise<T>): Promise<T> {
    const { clock } = this.#ctx
    const from = clock.monotonic()
    this.#ctx.enter('token')
    try {
      const value = await this.#ctx.elsewhere(this.#scope.race(work))
      this.#lastWaitMs = 0
      return value
    } catch (error) {
      this.#lastWaitMs = clock.monotonic() - from
      throw this.#scope.aborted || error instanceof OutriggerError ? error : lost(error)
    } finally {
      this.#ctx.leave('token')
    }
  }

  async #readStream(reply: WireReply): Promise<void> {
    this.#receiver.head(reply)
    const decoder = new SseDecoder({ maxFrameBytes: this.#seam.maxMessageBytes })
    const hold = new ToolHold(this.#ctx, this.#accumulator, event => this.#ctx.emit(event))
    const source = reply.body[Symbol.asyncIterator]()
    try {
      for (;;) {
        const { done, value } = this.#accumulator.complete ? await this.#rest(source) : await this.#waiting(source.next())
        for (const frame of understood(() => (done ? decoder.end() : decoder.push(value)))) {
          const event = eventOf(frame)
          if (!event) await this.#aside(frame)
          else if (!this.#accumulator.complete) await this.#take(event, frame, reply, hold)
        }
        if (done) break
      }
    } finally {
      source.return?.()?.catch(() => {})
    }
    if (!this.#accumulator.complete) throw new TruncatedStreamError({ events: this.#events })
  }

  async #aside({ raw }: SseFrame): Promise<void> {
    understood(() => this.#accumulator.pass(raw.length))
    await this.#receiver.aside(raw)
  }

  /** What follows the end of the message. A body that stays open, or breaks now, does not hold up an answer that is whole. */
  async #rest(source: AsyncIterator<Uint8Array | string>): Promise<IteratorResult<Uint8Array | string>> {
    const { clock } = this.#ctx
    this.#restBy ??= clock.monotonic() + restMs
    const leftMs = Math.max(0, this.#restBy - clock.monotonic())
    const ended = { done: true as const, value: undefined }
    let stop: (() => void) | undefined
    const patience = new Promise<typeof ended>(resolve => {
      const giveUp = () => {
        this.#abort.abort()
        resolve(ended)
      }
      stop = clock.after(leftMs, giveUp, { awaited: true })
    })
    try {
      return await this.#scope.race(Promise.race([source.next().catch(() => ended), patience]))
    } finally {
      stop?.()
    }
  }

  async #take(event: MessagesStreamEvent, frame: SseFrame, reply: WireReply, hold: ToolHold): Promise<void> {
    this.#events++
    if (event.type === 'error') throw this.#errorEvent(event, frame, reply)
    understood(() => {
      this.#accumulator.add(event, frame.raw.length)
      this.#measure(event)
    })
    if (event.type === 'message_stop') await this.#ctx.taps?.end()
    this.#receiver.raw(event, frame.raw)
    const released = hold.take(event)
    if (released) await this.#heldBack(released)
  }

  /** Until the consumer has room and the judges have judged; the model goes on meanwhile. */
  async #heldBack(released: Promise<void>): Promise<void> {
    const { clock } = this.#ctx
    const from = clock.monotonic()
    try {
      await this.#scope.race(released)
    } finally {
      this.#heldBackMs += clock.monotonic() - from
    }
  }

  #measure(event: MessagesStreamEvent): void {
    const meter = this.#meter
    switch (event.type) {
      case 'message_start':
        meter.start(event.message.usage, billedModel(this.#action, event.message.model, this.#prices), this.#action.request)
        break
      case 'message_delta':
        meter.delta(event.usage, event.delta.stop_reason !== null)
        break
      case 'content_block_delta':
        meter.sawOutputBytes(outputBytes(event.delta))
        break
      case 'content_block_start':
        this.#openTool = event.content_block.type.endsWith('tool_use')
        meter.sawOutputBytes(outputBytes(event.content_block))
        break
      case 'content_block_stop':
        this.#openTool = false
    }
  }

  async #readWhole(reply: WireReply): Promise<void> {
    const text = await this.#readText(reply)
    const message = parseMessage(text)
    if (!message) throw this.#garbage(reply, text)
    this.#usage = usageOf(message.usage, billedModel(this.#action, message.model, this.#prices), this.#action.request)
    modelMessage.set(this.#ctx, message)
    this.#receiver.head(reply)
    await this.#receiver.message(message, text)
  }

  async #readText(reply: WireReply): Promise<string> {
    const decoder = new TextDecoder()
    const source = reply.body[Symbol.asyncIterator]()
    let text = ''
    for (;;) {
      const { done, value } = await this.#waiting(source.next())
      if (done) return text + decoder.decode()
      text += typeof value === 'string' ? value : decoder.decode(value, { stream: true })
      if (text.length > this.#seam.maxMessageBytes) {
        source.return?.()?.catch(() => {})
        throw tooLong(this.#seam.maxMessageBytes)
      }
    }
  }

  async #errorAnswer(reply: WireReply): Promise<UpstreamError> {
    const body = await this.#readText(reply).catch(() => '')
    const failure = classify({ status: reply.status, body, headers: reply.headers })
    const { type, errorCode, retryable, retryAfterMs } = failure
    const facts = {
      status: reply.status,
      type,
      errorCode,
      retryable,
      retryAfterMs,
      billed: failure.billed,
      requestId: reply.headers['request-id'],
    }
    return withAnswer(new UpstreamError(`the Messages API answered ${reply.status}${type ? ` ${type}` : ''}`, facts), {
      status: reply.status,
      headers: reply.headers,
      body,
    })
  }

  /** The upstream's own error event: within a stream it goes on as it is, before its head it is an error answer. */
  #errorEvent(event: MessagesStreamEvent & { type: 'error' }, frame: SseFrame, reply: WireReply): UpstreamError {
    const { type, errorCode, retryable, retryAfterMs } = classify({ body: event, sse: true })
    const error = new UpstreamError(`the Messages API ended the stream with ${type ?? 'an error'}`, {
      type,
      errorCode,
      retryable,
      retryAfterMs,
      billed: this.#meter.started || !unbilledTypes.has(type ?? '') ? 'maybe' : 'no',
    })
    const headers = { ...reply.headers, 'content-type': 'application/json' }
    return withAnswer(error, { status: statusOfType[type ?? ''] ?? 500, headers, body: frame.data, event: frame.raw })
  }

  #garbage(reply: WireReply, body: string): UpstreamError {
    const { type, errorCode, retryable, billed } = classify({ status: reply.status, body, headers: reply.headers })
    return new UpstreamError('the Messages API answered with something that is not a message', {
      status: 502,
      type: type ?? 'api_error',
      errorCode,
      retryable,
      billed,
      code: 'NOT_A_MESSAGE',
    })
  }

  #failed(error: unknown): unknown {
    if (this.#scope.aborted) {
      this.#settle({ status: 'aborted', error: this.#scope.reason, sent: this.#sent })
      return this.#scope.reason
    }
    const own =
      error instanceof UpstreamError && error.upstream.code !== undefined && error.upstream.billed === undefined
        ? this.#connection(error)
        : error
    this.#settle({ status: own instanceof TruncatedStreamError ? 'truncated' : 'error', error: own, sent: this.#sent })
    return own
  }

  /** The transport failed: whether the request may have been billed depends on where. */
  #connection(error: UpstreamError): UpstreamError {
    if (this.#events > 0)
      return lost(error).upstream.code === 'ABORTED'
        ? error
        : new UpstreamError(error.message, { ...error.upstream, retryable: true, billed: 'maybe' })
    const { retryable, billed } = classify({ code: error.upstream.code, syscall: error.upstream.syscall })
    return new UpstreamError(error.message, { ...error.upstream, retryable, billed })
  }

  /** Leaves outcome, usage and cost: never a false zero, never below the bill. */
  #settle(outcome: Outcome): void {
    const usage = this.#usage ?? (outcome.status === 'done' && this.#meter.final ? this.#meter.current() : this.#cutUsage(outcome))
    const message = this.#accumulator.message
    if (message) modelMessage.set(this.#ctx, message)
    this.#ctx.outcome = outcome
    this.#report(usage)
  }

  #cutUsage(outcome: Outcome): ModelUsage {
    // The reason of an abort can be any error, that of another call too: it says nothing of this one.
    const facts = outcome.status !== 'aborted' && outcome.error instanceof UpstreamError ? outcome.error.upstream : undefined
    if (facts?.billed === 'no') return zeroUsage(this.#action.model)
    return cutUsage(this.#meter, this.#action, this.#prices, {
      openTool: this.#openTool,
      unseen: this.#unseen,
      lost: facts !== undefined && !this.#meter.started,
    })
  }

  /** May more have been generated than what we saw and the margin for what was under way? */
  get #unseen(): boolean {
    return !this.#action.stream || this.#heldBackMs + this.#lastWaitMs > unseenMs
  }

  #report(usage: ModelUsage): void {
    modelUsage.set(this.#ctx, usage)
    this.#ctx.report(usage.tokens)
    try {
      cost.set(this.#ctx, priceOf(usage, this.#prices))
    } catch {
      // No price is known: nanoUsd stays undefined; a budget in the stack has refused such a model before.
    }
  }
}

// What a server answers whole although a stream was asked for: an error page, or a server that cannot stream.
const wholeAnswer = /json|html/i

// How long the body may stay open after the end of the message.
const restMs = 1_000

// Half of the time that the margin of `settleCut` covers.
const unseenMs = 5_000
