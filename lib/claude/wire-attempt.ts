import type { ActionContext } from '../core/context.js'
import { TruncatedStreamError, UpstreamError } from '../core/errors.js'
import type { Scope } from '../core/scope.js'
import { cost } from '../core/slot.js'
import type { ModelAction, Outcome } from '../core/types.js'
import { type AssistantMessage, MessageAccumulator, type MessagesStreamEvent } from './accumulate.js'
import { brokenOff, errorAnswer, errorEvent, noMessage, redirected } from './answer-error.js'
import { billedModel } from './billed-model.js'
import { cutUsage, outputBytes } from './cut.js'
import { priceOf, type PriceTable } from './prices.js'
import { eventOf, parseMessage, understood } from './read-answer.js'
import { modelMessage, modelPrices, modelUsage, type Seam } from './seam.js'
import { mayTellOfCall, readsOneWay } from './reads-one-way.js'
import { SseDecoder, type SseFrame } from './sse.js'
import { isToolUse, ToolHold } from './tool-hold.js'
import { type ModelUsage, usageOf, zeroUsage } from './usage.js'
import { UsageMeter } from './usage-meter.js'
import type { WireReply, WireRequest } from './wire.js'
import { sendBy } from './wire-abort.js'
import { WireReader } from './wire-reader.js'

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
  readonly #wire: WireReader
  readonly #prices: PriceTable
  readonly #meter: UsageMeter
  readonly #accumulator: MessageAccumulator
  #sent = false
  #events = 0
  #openTool = false
  #inCall = false
  #heldBackMs = 0
  #usage: ModelUsage | undefined

  constructor(ctx: ActionContext, seam: Seam, receiver: Receiver) {
    this.#ctx = ctx
    this.#seam = seam
    this.#receiver = receiver
    this.#scope = ctx.scope
    this.#action = ctx.action as ModelAction
    this.#prices = modelPrices.peek(ctx) ?? seam.prices
    this.#wire = new WireReader(ctx, seam.maxMessageBytes)
    this.#meter = new UsageMeter()
    this.#accumulator = new MessageAccumulator({ maxMessageBytes: seam.maxMessageBytes })
  }

  /** Sends `request` and reads the answer to its end. Rejects with a typed error, or with the reason of the abort. */
  async run(request: WireRequest): Promise<void> {
    const forget = this.#scope.onAbort(() => this.#wire.close())
    try {
      await this.#exchange(request)
      this.#settle({ status: 'done', sent: true })
    } catch (error) {
      this.#wire.close()
      throw this.#failed(error)
    } finally {
      forget()
    }
  }

  async #exchange(request: WireRequest): Promise<void> {
    this.#scope.throwIfAborted()
    this.#sent = true
    const reply = await this.#wire.waiting(sendBy(this.#seam.upstream, request, this.#wire.abort))
    if (reply.status >= 400) throw errorAnswer(reply, await this.#wire.text(reply).catch(() => ''))
    if (reply.status >= 300) throw redirected(reply.status)
    if (this.#action.stream && !wholeAnswer.test(reply.headers['content-type'] ?? '')) await this.#readStream(reply)
    else await this.#readWhole(reply)
  }

  async #readStream(reply: WireReply): Promise<void> {
    this.#receiver.head(reply)
    const decoder = new SseDecoder({ maxFrameBytes: this.#seam.maxMessageBytes })
    const hold = new ToolHold(this.#ctx, this.#accumulator, event => this.#ctx.emit(event), this.#seam.refusedTools)
    const source = reply.body[Symbol.asyncIterator]()
    try {
      for (;;) {
        const { done, value } = await (this.#accumulator.complete ? this.#wire.rest(source) : this.#wire.waiting(source.next()))
        for (const frame of understood(() => (done ? decoder.end() : decoder.push(value)))) {
          const event = eventOf(frame, this.#ctx.taps?.judges === true)
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

  async #take(event: MessagesStreamEvent, frame: SseFrame, reply: WireReply, hold: ToolHold): Promise<void> {
    this.#events++
    if (event.type === 'error') throw errorEvent(event, frame, reply, this.#meter.started)
    this.#ctx.taps?.arrived(event)
    understood(() => {
      this.#accumulator.add(event, frame.raw.length)
      this.#measure(event)
    })
    if (event.type === 'message_stop') {
      // A tap that holds the answer back judges it whole before it lets it go.
      this.#give(this.#accumulator.message!)
      await hold.finish()
      await this.#ctx.taps?.end()
    }
    if (this.#goesOnAsItCame(event, frame)) this.#receiver.raw(event, frame.raw)
    const released = hold.take(event)
    if (released) await this.#heldBack(released)
  }

  /** Of a call, and of what could be taken for one, the text goes on where it says to every reader what was judged. */
  #goesOnAsItCame(event: MessagesStreamEvent, frame: SseFrame): boolean {
    if (!this.#isOfCall(event) && !(this.#ctx.taps?.judges && mayTellOfCall(frame.raw))) return true
    return event.type !== 'ping' && readsOneWay(frame)
  }

  #isOfCall(event: MessagesStreamEvent): boolean {
    if (event.type === 'content_block_start') this.#inCall = this.#ctx.taps?.judges === true && isToolUse(event.content_block)
    return this.#inCall && event.type.startsWith('content_block')
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
    const text = await this.#wire.text(reply)
    const message = parseMessage(text)
    if (!message) throw noMessage(reply, text)
    this.#usage = usageOf(message.usage, billedModel(this.#action, message.model, this.#prices), this.#action.request)
    this.#give(message)
    this.#receiver.head(reply)
    await this.#receiver.message(message, text)
  }

  #failed(error: unknown): unknown {
    if (this.#scope.aborted) {
      this.#settle({ status: 'aborted', error: this.#scope.reason, sent: this.#sent })
      return this.#scope.reason
    }
    const own =
      error instanceof UpstreamError && error.upstream.code !== undefined && error.upstream.billed === undefined
        ? brokenOff(error, this.#events > 0)
        : error
    this.#settle({ status: own instanceof TruncatedStreamError ? 'truncated' : 'error', error: own, sent: this.#sent })
    return own
  }

  /** Leaves outcome, usage and cost: never a false zero, never below the bill. */
  #settle(outcome: Outcome): void {
    const usage = this.#usage ?? (outcome.status === 'done' && this.#meter.final ? this.#meter.current() : this.#cutUsage(outcome))
    const message = this.#accumulator.message
    if (message) modelMessage.set(this.#ctx, message)
    this.#ctx.outcome = outcome
    this.#report(usage)
  }

  /** The answer is whole: layers can look at it. */
  #give(message: AssistantMessage): void {
    modelMessage.set(this.#ctx, message)
    this.#ctx.reply = message
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
    return !this.#action.stream || this.#heldBackMs + this.#wire.lastWaitMs > unseenMs
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

// Half of the time that the margin of `settleCut` covers.
const unseenMs = 5_000
