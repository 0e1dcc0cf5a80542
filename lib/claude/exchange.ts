import type { CallerSignal } from '../core/caller-signal.js'
import { Channel } from '../core/channel.js'
import type { ActionContext } from '../core/context.js'
import { DeadlineError, isOutriggerError } from '../core/errors.js'
import { type AssistantMessage, MessageAccumulator, type MessagesStreamEvent } from './accumulate.js'
import { asEvents } from './as-events.js'
import { namesTwice } from './names-twice.js'
import { mayTellOfCall } from './reads-one-way.js'
import { errorEventOf, errorReply, type Reply, visible } from './reply.js'
import type { ModelAction } from '../core/types.js'
import { modelMessage, type Seam } from './seam.js'
import { textOf } from './request-text.js'
import { sha256 } from './sha256.js'
import { encodeSse } from './sse.js'
import { isToolUse, judge } from './tool-hold.js'
import { type Receiver, WireAttempt } from './wire-attempt.js'
import type { WireReply, WireRequest } from './wire.js'

/**
 * One model action between the chain and its client. Holds the head back until the first event that matters, so that an early failure can
 * still be retried, and `message_stop` until the chain has finished, so that a late refusal is not a clean end.
 */
export class Exchange implements Receiver {
  readonly #ctx: ActionContext
  readonly #seam: Seam
  readonly #request: WireRequest
  readonly #channel: Channel<string>
  readonly #raws = new WeakMap<object, string>()
  #answer: WireReply | undefined
  #early: string[] = []
  #late: string[] = []
  #earlyEvents: unknown[] = []
  #lateEvents: unknown[] = []
  #headOut: (() => void) | undefined
  #whole: { readonly text: string; readonly message: AssistantMessage } | undefined
  #left = false
  #idle: DeadlineError | undefined

  constructor(ctx: ActionContext, seam: Seam, request: WireRequest) {
    this.#ctx = ctx
    this.#seam = seam
    this.#request = request
    this.#channel = new Channel({ clock: ctx.clock, idleMs: seam.idleMs, abandon: () => this.#abandoned() })
    // Functions get a name before they are assigned: V8 would put them into old space, garbage of every call.
    const release = (event: unknown) => this.#release(event as MessagesStreamEvent)
    ctx.sink = release
  }

  /** Runs the chain. Resolves to an answer as soon as its head may go; never rejects. */
  run(signal?: CallerSignal): Promise<Reply> {
    const ended = this.#seam.runtime.run(this.#ctx, () => this.#attempt(), signal)
    const head = new Promise<Reply>(resolve => {
      const out = () => resolve(this.#streamReply())
      this.#headOut = out
    })
    return Promise.race([
      head,
      ended.then(
        () => this.#finished(),
        error => this.#failed(error),
      ),
    ])
  }

  head(reply: WireReply): void {
    this.#answer = reply
  }

  raw(event: object, text: string): void {
    this.#raws.set(event, text)
  }

  aside(text: string): void | Promise<void> {
    if (this.#late.length > 0) this.#late.push(text)
    else if (this.#ctx.released) return this.#channel.push(text)
    else this.#early.push(text)
  }

  async message(message: AssistantMessage, text: string): Promise<void> {
    const judged = await this.#judged(message)
    const final = this.#ctx.taps?.sees ? await this.#tapped(judged) : judged
    // Where its text names a field twice, a call goes out as it was judged; so does what another reader could find a call in.
    const twofold = this.#ctx.taps?.judges && mayTellOfCall(text) && namesTwice(text)
    this.#whole = { message: final, text: final === message && !twofold ? text : JSON.stringify(final) }
    await this.#seam.letGo?.(this.#ctx, final)
  }

  async #attempt(): Promise<void> {
    this.#early = []
    this.#earlyEvents = []
    this.#late = []
    this.#lateEvents = []
    this.#whole = undefined
    const { headers, ...rest } = this.#request
    const body = textOf((this.#ctx.action as ModelAction).request)
    const credentials = await this.#ctx.scope.race(Promise.resolve(this.#seam.origin.credentials()))
    this.#ctx.wireDigest = sha256(body)
    await new WireAttempt(this.#ctx, this.#seam, this).run({ ...rest, headers: { ...headers, ...credentials }, body })
  }

  /** Refused tool calls of a message that was not streamed become text, or end it, as in a stream. */
  async #judged(message: AssistantMessage): Promise<AssistantMessage> {
    if (!this.#ctx.taps?.judges) return message
    const content = [...message.content]
    let refused = 0
    for (const [at, block] of content.entries()) {
      if (!isToolUse(block)) continue
      const refusal = await judge(this.#ctx, { id: block.id ?? '', name: block.name ?? '', input: block.input })
      if (!refusal) continue
      if (this.#seam.refusedTools === 'error') throw refusal.error
      refused++
      content[at] = { type: 'text', text: refusal.text }
    }
    if (refused === 0) return message
    const ends = message.stop_reason === 'tool_use' && !content.some(isToolUse)
    return { ...message, content, ...(ends ? { stop_reason: 'end_turn' } : {}) }
  }

  /** Shows a whole message to the taps as events. What they leave unchanged stays byte for byte. */
  async #tapped(message: AssistantMessage): Promise<AssistantMessage> {
    const given = [...asEvents(message)]
    const released: unknown[] = []
    const { sink } = this.#ctx
    this.#ctx.sink = event => void released.push(event)
    try {
      for (const event of given) {
        if (event.type === 'message_stop') await this.#ctx.taps?.end()
        await this.#ctx.emit(event)
      }
    } finally {
      this.#ctx.sink = sink
    }
    if (released.length === given.length && released.every((event, at) => event === given[at])) return message
    const rebuilt = new MessageAccumulator({ maxMessageBytes: this.#seam.maxMessageBytes })
    for (const event of released) rebuilt.add(event as MessagesStreamEvent)
    return { ...message, ...rebuilt.message }
  }

  #release(event: MessagesStreamEvent): void | Promise<void> {
    const text = this.#raws.get(event) ?? encodeSse(event.type, event)
    if (event.type === 'message_stop' || this.#late.length > 0) {
      this.#late.push(text)
      this.#lateEvents.push(event)
      return
    }
    if (this.#ctx.released) return this.#push(text, event)
    this.#early.push(text)
    this.#earlyEvents.push(event)
    if (event.type === 'message_start' || event.type === 'ping') return
    return this.#releaseHead()
  }

  async #releaseHead(): Promise<void> {
    this.#ctx.released = true
    this.#headOut?.()
    const texts = this.#early
    const events = this.#earlyEvents
    this.#early = []
    this.#earlyEvents = []
    for (const text of texts) await this.#channel.push(text)
    for (const event of events) await this.#ctx.bubble?.(this.#ctx, event)
  }

  #push(text: string, event: unknown): void | Promise<void> {
    const room = this.#channel.push(text)
    const { bubble } = this.#ctx
    if (!bubble) return room
    return Promise.all([room, bubble(this.#ctx, event)]).then(() => {})
  }

  async #finished(): Promise<Reply> {
    const { released } = this.#ctx
    this.#seam.threads.note(this.#ctx.action as ModelAction, modelMessage.peek(this.#ctx))
    if (this.#whole) return this.#wholeReply(this.#whole)
    if (!released) await this.#releaseHead()
    for (const text of this.#late) await this.#channel.push(text)
    for (const event of this.#lateEvents) await this.#ctx.bubble?.(this.#ctx, event)
    this.#channel.end()
    return this.#streamReply()
  }

  #failed(error: unknown): Reply {
    const event = errorEventOf(error)
    if (event !== undefined && this.#ctx.released) {
      void this.#channel.push(event)
      this.#channel.end()
    }
    if (!this.#ctx.actionScope.gave(error) || isOutriggerError(error)) {
      this.#channel.fail(error)
      return errorReply(error)
    }
    const gone = new DOMException('The request was aborted', 'AbortError')
    this.#channel.fail(gone)
    return { ...errorReply(gone), aborted: true }
  }

  /** The client has gone, or has not read for too long: only the latter must not look like an end. */
  #abandoned(): void {
    if (!this.#left) this.#idle = new DeadlineError({ deadline: 'reader idle', ms: this.#seam.idleMs })
    this.#ctx.actionScope.abort(this.#idle ?? new DOMException('The consumer stopped reading', 'AbortError'))
  }

  async #next(): Promise<IteratorResult<string, undefined>> {
    const result = await this.#channel.next()
    if (result.done && this.#idle) throw this.#idle
    return result
  }

  #leave(): void {
    this.#left = true
    this.#channel.leave()
  }

  async #wholeReply({ message, text }: { message: AssistantMessage; text: string }): Promise<Reply> {
    await this.#ctx.bubble?.(this.#ctx, { type: 'message', message })
    return { status: this.#answer!.status, headers: visible(this.#answer!.headers), body: text }
  }

  #streamReply(): Reply {
    return {
      status: this.#answer!.status,
      headers: visible(this.#answer!.headers),
      body: { next: () => this.#next(), cancel: () => this.#leave() },
    }
  }
}
