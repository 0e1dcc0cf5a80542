import { UpstreamError } from '../core/errors.js'
import type { AssistantMessage, MessagesStreamEvent } from './accumulate.js'
import type { SseFrame } from './sse.js'

/** An answer that two readers could take for two things, or that is too large. `why`: sizes and names, never content. */
export function unreadable(why: string): UpstreamError {
  return new UpstreamError(`the answer of the Messages API cannot be read: ${why}`, {
    status: 502,
    code: 'UNREADABLE',
    retryable: false,
    billed: 'yes',
  })
}

/** Runs one of our readers; what it says of the answer becomes an error of the upstream. */
export function understood<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof UpstreamError ? error : unreadable((error as Error).message)
  }
}

const known: ReadonlySet<unknown> = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'ping',
  'error',
])

/**
 * The event of a frame, as the SDK reads it: by the name of the frame. `undefined`: clients pass the frame over, so it only travels along.
 * @throws UpstreamError when the data is no JSON, or says another event than the name: clients differ in which of the two they read
 */
export function eventOf({ event: name, data }: SseFrame): MessagesStreamEvent | undefined {
  if (name === 'ping') return { type: 'ping' }
  if (name === 'error') return errorEvent(data)
  if (data === '') return undefined
  const value = parsed(data) as { readonly type?: unknown } | null | undefined
  if (name !== null && value === undefined)
    throw new UpstreamError('the Messages API sent an event that is not JSON', { status: 502, code: 'NOT_AN_EVENT', billed: 'maybe' })
  const type = value?.type
  if (name === type && typeof type === 'string') return value as MessagesStreamEvent
  if (known.has(type) || known.has(name)) throw unreadable(name === null ? 'an event has no name' : 'an event has two names')
  return undefined
}

function errorEvent(data: string): MessagesStreamEvent {
  const error = (parsed(data) as { readonly error?: unknown } | null | undefined)?.error
  return { type: 'error', error: (typeof error === 'object' && error !== null ? error : { type: 'api_error' }) as never }
}

/** JSON, or `undefined` for what is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A whole message, or nothing when the text is none. */
export function parseMessage(text: string): AssistantMessage | undefined {
  const message = parsed(text) as AssistantMessage | null | undefined
  return message?.type === 'message' && Array.isArray(message.content) ? message : undefined
}
