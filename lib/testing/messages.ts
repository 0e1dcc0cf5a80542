import type { AssistantMessage, BlockDelta, MessageBlock, MessagesStreamEvent, MessageUsage } from '../claude/accumulate.js'

/** A tool call that a scripted answer asks for. */
export interface ToolUseSpec {
  /** Default: `toolu_mock_<answer>_<place>`. */
  readonly id?: string
  readonly name: string
  readonly input?: unknown
}

/** What a scripted answer says. Blocks come in the order thinking, text, tool calls; `content` gives exact blocks in their place. */
export interface ReplySpec {
  readonly thinking?: string
  readonly text?: string | readonly string[]
  readonly toolUse?: ToolUseSpec | readonly ToolUseSpec[]
  readonly content?: readonly MessageBlock[]
  /** Default `tool_use` when there is a tool call, else `end_turn`. */
  readonly stopReason?: string
  readonly stopSequence?: string
  /** Overrides single counters. Default: a token for every four bytes of the request body, and of the content. */
  readonly usage?: Partial<MessageUsage>
  /** Default: the model of the request. */
  readonly model?: string
  readonly id?: string
  /** Further response headers. */
  readonly headers?: Readonly<Record<string, string>>
  /** Characters a delta when streamed. Default 16. */
  readonly chunkChars?: number
  /** Streams a `ping` after `message_start`, as the API does. Default true. */
  readonly ping?: boolean
}

/** An error answer. */
export interface FailSpec {
  readonly status: number
  /** `error.type`. Default: the one that Anthropic documents for the status. */
  readonly type?: string
  /** Default: says that it is scripted. */
  readonly message?: string
  /** `error.details.error_code`. */
  readonly errorCode?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What an answer is made from besides its spec: facts of the request. */
export interface ReplyFacts {
  /** Number of the answer, for ids. */
  readonly n: number
  readonly model: string
  readonly bodyText: string
}

const replyKeys = [
  'thinking',
  'text',
  'toolUse',
  'content',
  'stopReason',
  'stopSequence',
  'usage',
  'model',
  'id',
  'headers',
  'chunkChars',
  'ping',
]

/** Four UTF-8 bytes a token, rounded up: a fixed rule of the test doubles, not Claude's tokenizer. */
export function mockTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4)
}

/** Text in place of a spec is an answer with that text. @throws TypeError for an unknown field, RangeError for a bad size. */
export function replySpec(spec: ReplySpec | string): ReplySpec {
  if (typeof spec === 'string') return { text: spec }
  const unknown = Object.keys(spec).find(key => !replyKeys.includes(key))
  if (unknown !== undefined) throw new TypeError(`a reply has no field "${unknown}"; use one of ${replyKeys.join(', ')}`)
  const { chunkChars = 1 } = spec
  if (!Number.isSafeInteger(chunkChars) || chunkChars < 1) throw new RangeError(`chunkChars is ${chunkChars}; give a positive whole number`)
  return spec
}

/** The whole answer, as the API gives it when nothing is streamed. */
export function messageOf(spec: ReplySpec, facts: ReplyFacts): AssistantMessage {
  const content = spec.content ?? blocksOf(spec, facts.n)
  return {
    id: spec.id ?? `msg_mock_${facts.n}`,
    type: 'message',
    role: 'assistant',
    model: spec.model ?? facts.model,
    content,
    stop_reason: spec.stopReason ?? (content.some(block => block.type === 'tool_use') ? 'tool_use' : 'end_turn'),
    stop_sequence: spec.stopSequence ?? null,
    usage: { input_tokens: mockTokens(facts.bodyText), output_tokens: mockTokens(JSON.stringify(content)), ...spec.usage },
  }
}

function blocksOf(spec: ReplySpec, n: number): readonly MessageBlock[] {
  const thinking = list(spec.thinking).map(text => ({ type: 'thinking', thinking: text, signature: `sig_mock_${n}` }))
  const texts = list(spec.text).map(text => ({ type: 'text', text, citations: null }))
  const calls = list(spec.toolUse).map((call, place) => ({
    type: 'tool_use',
    id: call.id ?? `toolu_mock_${n}_${place + 1}`,
    name: call.name,
    input: call.input ?? {},
  }))
  return [...thinking, ...texts, ...calls]
}

function list<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? (value as readonly T[]) : [value as T]
}

/** How an answer is cut into events. */
export interface StreamShape {
  /** Characters a delta. Default 16. */
  readonly chunkChars?: number
  /** A `ping` after `message_start`. Default true. */
  readonly ping?: boolean
}

/** The events that stream this message; put together again they give the same message. */
export function eventsOf(message: AssistantMessage, shape: StreamShape = {}): readonly MessagesStreamEvent[] {
  const { chunkChars = 16, ping = true } = shape
  return [
    startOf(message),
    ...(ping ? [{ type: 'ping' } as const] : []),
    ...message.content.flatMap((block, index) => blockEvents(block, index, chunkChars)),
    endOf(message),
    { type: 'message_stop' },
  ]
}

function startOf(message: AssistantMessage): MessagesStreamEvent {
  const usage = { ...message.usage, output_tokens: Math.min(1, message.usage.output_tokens) }
  return { type: 'message_start', message: { ...message, content: [], stop_reason: null, stop_sequence: null, usage } }
}

function endOf(message: AssistantMessage): MessagesStreamEvent {
  const { stop_reason, stop_sequence, stop_details, container, context_management } = message
  return {
    type: 'message_delta',
    delta: { stop_reason, stop_sequence, ...given({ stop_details, container }) },
    ...given({ context_management }),
    usage: message.usage,
  }
}

function given(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function blockEvents(block: MessageBlock, index: number, chunkChars: number): readonly MessagesStreamEvent[] {
  const { empty, deltas } = opened(block, chunkChars)
  return [
    { type: 'content_block_start', index, content_block: empty },
    ...deltas.map(delta => ({ type: 'content_block_delta' as const, index, delta })),
    { type: 'content_block_stop', index },
  ]
}

function opened(block: MessageBlock, chunkChars: number): { empty: MessageBlock; deltas: readonly BlockDelta[] } {
  if (block.type === 'text')
    return { empty: { ...block, text: '', citations: block.citations && [] }, deltas: textDeltas(block, chunkChars) }
  if (block.type === 'thinking') return { empty: { ...block, thinking: '', signature: '' }, deltas: thinkingDeltas(block, chunkChars) }
  if (!/^(mcp_|server_)?tool_use$/.test(block.type)) return { empty: block, deltas: [] }
  const parts = pieces(JSON.stringify(block.input ?? {}), chunkChars)
  return { empty: { ...block, input: {} }, deltas: parts.map(partial_json => ({ type: 'input_json_delta', partial_json })) }
}

function textDeltas(block: MessageBlock, chunkChars: number): readonly BlockDelta[] {
  const texts = pieces(block.text ?? '', chunkChars).map(text => ({ type: 'text_delta', text }))
  return [...texts, ...(block.citations ?? []).map(citation => ({ type: 'citations_delta', citation }))]
}

function thinkingDeltas(block: MessageBlock, chunkChars: number): readonly BlockDelta[] {
  const parts = pieces(block.thinking ?? '', chunkChars).map(thinking => ({ type: 'thinking_delta', thinking }))
  return [...parts, { type: 'signature_delta', signature: block.signature ?? '' }]
}

function pieces(text: string, size: number): readonly string[] {
  const points = [...text]
  return Array.from({ length: Math.ceil(points.length / size) }, (_, n) => points.slice(n * size, (n + 1) * size).join(''))
}

const types: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  409: 'invalid_request_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/** The body of an error answer in Anthropic's shape. @throws RangeError when the status is not 400 to 599. */
export function errorBodyOf(spec: FailSpec, requestId: string): object {
  if (!Number.isInteger(spec.status) || spec.status < 400 || spec.status > 599)
    throw new RangeError(`status ${spec.status} is no error; give 400 to 599`)
  return { type: 'error', error: errorOf(spec.type ?? types[spec.status] ?? 'api_error', spec), request_id: requestId }
}

/** The `error` object of an answer or of an `error` event. */
export function errorOf(
  type: string,
  spec: { readonly message?: string; readonly errorCode?: string },
): { type: string; message: string; details?: object } {
  const details = spec.errorCode === undefined ? {} : { details: { error_code: spec.errorCode } }
  return { type, message: spec.message ?? `scripted ${type}`, ...details }
}
