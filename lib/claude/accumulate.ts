import type { ToolUse } from '../core/types.js'
import { namesTwice } from './names-twice.js'
import { parsed } from './parse-json.js'

/** A content block of a message; the fields depend on `type`. The SDK's own types fit. */
export interface MessageBlock {
  readonly type: string
  readonly text?: string
  readonly citations?: readonly unknown[] | null
  readonly thinking?: string
  readonly signature?: string
  readonly id?: string
  readonly name?: string
  readonly input?: unknown
  readonly content?: unknown
}

/** Token counts as the API writes them; the counters it leaves out are absent or `null`. */
export interface MessageUsage {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_creation_input_tokens?: number | null
  readonly cache_read_input_tokens?: number | null
  readonly cache_creation?: { readonly ephemeral_5m_input_tokens: number; readonly ephemeral_1h_input_tokens: number } | null
  readonly server_tool_use?: unknown
  readonly output_tokens_details?: unknown
  readonly iterations?: unknown
  readonly fallback_credit?: unknown
  readonly service_tier?: string | null
}

/** An answer of the Messages API. */
export interface AssistantMessage {
  readonly id: string
  readonly type: 'message'
  readonly role: 'assistant'
  readonly model: string
  readonly content: readonly MessageBlock[]
  readonly stop_reason: string | null
  readonly stop_sequence: string | null
  readonly stop_details?: unknown
  readonly container?: unknown
  readonly context_management?: unknown
  readonly input_transformations?: unknown
  readonly usage: MessageUsage
}

/** What a `content_block_delta` adds; which field is set depends on `type`. */
export interface BlockDelta {
  readonly type: string
  readonly text?: string
  readonly citation?: unknown
  readonly thinking?: string
  readonly signature?: string
  readonly partial_json?: string
  readonly content?: unknown
  readonly encrypted_content?: unknown
}

/** An event of a streamed answer. Events of an unknown type are let pass and change nothing. */
export type MessagesStreamEvent =
  | { readonly type: 'message_start'; readonly message: AssistantMessage }
  | { readonly type: 'content_block_start'; readonly index: number; readonly content_block: MessageBlock }
  | { readonly type: 'content_block_delta'; readonly index: number; readonly delta: BlockDelta }
  | { readonly type: 'content_block_stop'; readonly index: number }
  | MessageDeltaEvent
  | { readonly type: 'message_stop' }
  | { readonly type: 'ping' }
  | { readonly type: 'error'; readonly error: { readonly type: string; readonly message: string; readonly details?: unknown } }

/** The event that ends the content: reason, and the totals of the whole message (never to be summed). */
export interface MessageDeltaEvent {
  readonly type: 'message_delta'
  readonly delta: {
    readonly stop_reason: string | null
    readonly stop_sequence: string | null
    readonly stop_details?: unknown
    readonly container?: unknown
  }
  readonly context_management?: unknown
  readonly input_transformations?: unknown
  readonly usage: Partial<MessageUsage>
}

/** Limits of a `MessageAccumulator`. */
export interface MessageAccumulatorOptions {
  /** The largest message, in bytes of its text and JSON, that is held in memory. Default 33,554,432 (32 MB). */
  readonly maxMessageBytes?: number
}

// A byte of the message is at most six on the wire, as in \u0000; the rest of a frame is its names.
const mostEscaped = 6
const frameBytes = 256

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Block = Mutable<Omit<MessageBlock, 'citations'>> & { citations?: unknown[] | null; encrypted_content?: unknown }
type Message = Mutable<Omit<AssistantMessage, 'content' | 'usage'>> & { content: Block[]; usage: Mutable<MessageUsage> }

// Cumulative totals of the whole message, left out where they do not apply (SDK 1.10.0, BetaMessageStream).
const totals = [
  'output_tokens',
  'input_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
  'server_tool_use',
  'iterations',
  'fallback_credit',
  'output_tokens_details',
] as const

/**
 * Builds the whole message from the events of a stream, as the SDK's `messages.stream()` and `beta.messages.stream()` do, in linear time
 * and without changing the events. One difference: JSON of a tool call that the model did not finish leaves `input` as `{}`, where the SDK
 * guesses the rest; `toolUse()` then says `undefined`.
 */
export class MessageAccumulator {
  readonly #maxMessageBytes: number
  readonly #json = new Map<number, string>()
  readonly #broken = new Set<number>()
  /** Blocks whose input stood in their start already when deltas came. */
  readonly #twofold = new Set<number>()
  #message: Message | undefined
  #complete = false
  #bytes = 0
  #beside = 0

  /** @throws RangeError when `maxMessageBytes` is not a positive whole number. */
  constructor(options: MessageAccumulatorOptions = {}) {
    const { maxMessageBytes = 32 * 2 ** 20 } = options
    if (!Number.isSafeInteger(maxMessageBytes) || maxMessageBytes < 1)
      throw new RangeError(`maxMessageBytes is ${maxMessageBytes}; give a positive whole number of bytes`)
    this.#maxMessageBytes = maxMessageBytes
  }

  /** The message so far; `undefined` before `message_start`. Later events change this same object. */
  get message(): AssistantMessage | undefined {
    return this.#message
  }

  /** Has `message_stop` come? */
  get complete(): boolean {
    return this.#complete
  }

  /**
   * The tool call in this block; `undefined` for any other block. Its `input` is `undefined` while the JSON is unfinished or broken, and
   * where it names a field twice, or stands in the start of the block and in its deltas: readers differ in which of the two they take.
   */
  toolUse(index: number): ToolUse | undefined {
    const block = this.#block(index)
    if (block === undefined || !tracksInput(block)) return undefined
    const json = this.#json.get(index) ?? ''
    const clear = !this.#broken.has(index) && !this.#twofold.has(index) && !namesTwice(json)
    return { id: block.id ?? '', name: block.name ?? '', input: clear ? block.input : undefined }
  }

  /**
   * Takes the next event. `bytes`: how long its frame is on the wire, where it came in one.
   * @throws RangeError when the message, or what travels beside it, outgrows `maxMessageBytes`.
   * @throws TypeError when a second message begins.
   */
  add(event: MessagesStreamEvent, bytes = 0): void {
    const grown = growth(event)
    this.#grow(grown)
    this.pass(bytes - grown * mostEscaped - frameBytes)
    if (event.type === 'message_start') this.#start(event.message)
    else if (this.#message !== undefined) this.#continue(this.#message, event)
  }

  #start(message: AssistantMessage): void {
    if (this.#message !== undefined) throw new TypeError('message_start came twice in one stream; use one accumulator for each message')
    const content = (message.content ?? []).map(copyOf)
    this.#message = { ...message, content, usage: { ...message.usage } }
  }

  #continue(message: Message, event: MessagesStreamEvent): void {
    if (event.type === 'content_block_start') this.#open(message, event.content_block)
    else if (event.type === 'content_block_delta') this.#extend(event.index, event.delta)
    else if (event.type === 'content_block_stop') this.#close(event.index)
    else if (event.type === 'message_delta') mergeDelta(message, event)
    else if (event.type === 'message_stop') this.#complete = true
  }

  #open(message: Message, block: MessageBlock): void {
    message.content.push(copyOf(block))
    if (block.type === 'fallback') message.model = (block as { to?: { model?: string } }).to?.model ?? message.model
  }

  #extend(index: number, delta: BlockDelta): void {
    const block = this.#block(index)
    if (block === undefined) return
    if (delta.type !== 'input_json_delta') extensions[`${block.type} ${delta.type}`]?.(block, delta)
    else if (tracksInput(block)) this.#extendJson(index, delta.partial_json ?? '', block.input)
  }

  #extendJson(index: number, part: string, start: unknown): void {
    if (!this.#json.has(index) && !isEmpty(start)) this.#twofold.add(index)
    this.#json.set(index, (this.#json.get(index) ?? '') + part)
    this.#broken.add(index)
  }

  #close(index: number): void {
    const block = this.#block(index)
    const json = this.#json.get(index)
    if (block === undefined || json === undefined) return
    const input = json === '' ? {} : parsed(json)
    if (input !== undefined) this.#broken.delete(index)
    block.input = input === undefined ? {} : input
  }

  #block(index: number): Block | undefined {
    return Number.isInteger(index) ? this.#message?.content[index] : undefined
  }

  /**
   * Counts bytes of the stream that are no part of the message: comments, pings, events and fields of other kinds.
   * @throws RangeError when they outgrow `maxMessageBytes`
   */
  pass(bytes: number): void {
    if (bytes <= 0) return
    this.#beside += bytes
    if (this.#beside > this.#maxMessageBytes)
      throw new RangeError(
        `the stream has more than ${this.#maxMessageBytes} bytes beside the message; raise maxMessageBytes if such are expected`,
      )
  }

  #grow(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.#maxMessageBytes)
      throw new RangeError(`the message is larger than ${this.#maxMessageBytes} bytes; raise maxMessageBytes if such answers are expected`)
  }
}

// By "block type, delta type": a delta that does not fit its block changes nothing, as in the SDK.
const extensions: Readonly<Record<string, (block: Block, delta: BlockDelta) => void>> = {
  'text text_delta': (block, delta) => {
    block.text = (block.text ?? '') + (delta.text ?? '')
  },
  'text citations_delta': addCitation,
  'thinking thinking_delta': (block, delta) => {
    block.thinking = (block.thinking ?? '') + (delta.thinking ?? '')
  },
  'thinking signature_delta': (block, delta) => {
    block.signature = delta.signature
  },
  'compaction compaction_delta': compact,
}

function addCitation(block: Block, delta: BlockDelta): void {
  block.citations ??= []
  block.citations.push(delta.citation)
}

function copyOf(block: MessageBlock): Block {
  return block.citations ? { ...block, citations: [...block.citations] } : ({ ...block } as Block)
}

function compact(block: Block, delta: BlockDelta): void {
  block.content = delta.content
  if ('encrypted_content' in delta) block.encrypted_content = delta.encrypted_content
}

function mergeDelta(message: Message, event: MessageDeltaEvent): void {
  message.stop_reason = event.delta.stop_reason
  message.stop_sequence = event.delta.stop_sequence
  message.stop_details = event.delta.stop_details
  message.container = event.delta.container ?? message.container
  message.context_management = event.context_management ?? message.context_management
  message.input_transformations = event.input_transformations ?? message.input_transformations
  Object.assign(message.usage, present(event.usage ?? {}))
}

function present(usage: Partial<MessageUsage>): Partial<MessageUsage> {
  return Object.fromEntries(totals.filter(name => usage[name] != null).map(name => [name, usage[name]]))
}

function tracksInput(block: MessageBlock): boolean {
  return block.type === 'tool_use' || block.type === 'server_tool_use' || block.type === 'mcp_tool_use'
}

/** The API starts a call with an empty input, and sends the rest in deltas. */
function isEmpty(input: unknown): boolean {
  return input === undefined || input === null || input === '' || (typeof input === 'object' && Object.keys(input).length === 0)
}

function growth(event: MessagesStreamEvent): number {
  if (event.type === 'message_start') return Buffer.byteLength(JSON.stringify(event.message))
  if (event.type === 'content_block_start') return Buffer.byteLength(JSON.stringify(event.content_block))
  return event.type === 'content_block_delta' ? deltaBytes(event.delta) : 0
}

function deltaBytes(delta: BlockDelta): number {
  const text = delta.text ?? delta.partial_json ?? delta.thinking
  return typeof text === 'string' ? Buffer.byteLength(text) : Buffer.byteLength(JSON.stringify(delta))
}
