import type { ActionContext } from '../core/context.js'
import { OutriggerError, ViolationError } from '../core/errors.js'
import type { ToolUse } from '../core/types.js'
import type { MessageAccumulator, MessageBlock, MessageDeltaEvent, MessagesStreamEvent } from './accumulate.js'
import type { ClaudeOptions } from './options.js'
import { unreadable } from './read-answer.js'

type Emit = (event: MessagesStreamEvent) => void | Promise<void>

/**
 * Holds each tool_use block of a stream whole and has it judged on its complete input before its first byte is released: a client runs a
 * finished block even when the stream then fails. A refused block becomes a text that says why; where no tool is left, the message ends
 * its turn. With `refusedTools: 'error'` the stream ends there, with the refusal itself. A call must come whole, with nothing else within it: in any other order a client could put together one that no judge has seen.
 * Without a judge in the stack nothing is held, and any order passes.
 */
export class ToolHold {
  readonly #ctx: ActionContext
  readonly #message: MessageAccumulator
  readonly #emit: Emit
  readonly #refusedTools: ClaudeOptions['refusedTools']
  #held: MessagesStreamEvent[] | undefined
  /** Index of the block that has begun and not ended. */
  #open: unknown
  #allowed = 0
  #refused = 0

  constructor(ctx: ActionContext, message: MessageAccumulator, emit: Emit, refusedTools: ClaudeOptions['refusedTools'] = 'text') {
    this.#ctx = ctx
    this.#message = message
    this.#emit = emit
    this.#refusedTools = refusedTools
  }

  /** Takes the next event of the stream, after the accumulator has seen it. @throws UpstreamError when it is out of order */
  take(event: MessagesStreamEvent): void | Promise<void> {
    const inPlace = this.#inPlace(event)
    if (!this.#ctx.taps?.judges) return this.#emit(event)
    if (!inPlace) throw unreadable(`${event.type} is out of order`)
    if (this.#held) {
      if (event.type === 'ping') return this.#emit(event)
      if (event.type === 'message_delta') return this.finish().then(() => this.take(event))
      this.#held.push(event)
      return event.type === 'content_block_stop' ? this.#judge(event.index) : undefined
    }
    if (event.type === 'content_block_start' && isToolUse(event.content_block)) {
      this.#held = [event]
      return
    }
    return this.#emit(event.type === 'message_delta' ? this.#withReason(event) : event)
  }

  /** Only a call must be ended before anything else begins: of other blocks, nothing is run. */
  #inPlace(event: MessagesStreamEvent): boolean {
    const open = this.#open
    switch (event.type) {
      case 'message_start':
        return !this.#message.message?.content.some(isToolUse)
      case 'content_block_start':
        this.#open = event.index
        return !this.#held && event.index + 1 === this.#message.message?.content.length
      case 'content_block_stop':
        this.#open = undefined
        return open !== undefined && event.index === open
      case 'content_block_delta':
        return open !== undefined && event.index === open
      default:
        return true
    }
  }

  async #judge(index: number): Promise<void> {
    const frames = this.#held!
    this.#held = undefined
    const refusal = await judge(this.#ctx, this.#message.toolUse(index)!)
    if (refusal && this.#refusedTools === 'error') throw refusal.error
    if (refusal) return this.#refuse(index, refusal.text)
    this.#allowed++
    for (const event of frames) await this.#emit(event)
  }

  /** The message ends. A call that is not finished, as the model leaves one when it breaks off, becomes a text. */
  async finish(): Promise<void> {
    if (!this.#held) return
    this.#held = undefined
    const index = this.#open as number
    this.#open = undefined
    await this.#refuse(index, refusalText(this.#message.toolUse(index)!, 'it was not finished'))
  }

  async #refuse(index: number, why: string): Promise<void> {
    this.#refused++
    for (const event of textBlock(index, why)) await this.#emit(event)
  }

  #withReason(event: MessageDeltaEvent): MessageDeltaEvent {
    if (this.#refused === 0 || this.#allowed > 0 || event.delta.stop_reason !== 'tool_use') return event
    return { ...event, delta: { ...event.delta, stop_reason: 'end_turn' } }
  }
}

/** Does the client run this block? Server tools have run already. */
export function isToolUse(block: MessageBlock): boolean {
  return block.type === 'tool_use'
}

/** Why a call is not released: for the model to read, and as the error that it is. */
export interface CallRefusal {
  readonly text: string
  readonly error: OutriggerError
}

/** Asks the judges of the stack. Resolves to why the call is refused, or to nothing. */
export async function judge(ctx: ActionContext, call: ToolUse): Promise<CallRefusal | undefined> {
  const { taps } = ctx
  if (!taps?.judges) return undefined
  if (call.input === undefined) return unjudged(ctx, call, 'its input is not JSON, or can be read in two ways')
  try {
    await taps.judge(Object.freeze(call))
  } catch (error) {
    if (!(error instanceof OutriggerError) || error.code === 'ERR_LAYER') return unjudged(ctx, call, 'it could not be judged')
    return { text: refusalText(call, error.message), error }
  }
}

function unjudged(ctx: ActionContext, call: ToolUse, why: string): CallRefusal {
  const error = new ViolationError({
    ruleId: 'toolUse',
    kind: 'tool',
    details: `the call of ${call.name}: ${why}`,
    at: ctx.clock.now(),
    action: ctx.id,
  })
  return { text: refusalText(call, why), error }
}

function refusalText(call: ToolUse, why: string): string {
  return `The call of ${call.name} was refused: ${why}`
}

function textBlock(index: number, text: string): MessagesStreamEvent[] {
  return [
    { type: 'content_block_start', index, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index, delta: { type: 'text_delta', text } },
    { type: 'content_block_stop', index },
  ]
}
