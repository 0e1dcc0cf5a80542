import { UpstreamError } from '../core/errors.js'
import type { AssistantMessage, MessagesStreamEvent } from './accumulate.js'

/** What our readers say of a stream that is too large or out of order: sizes and names, never content. */
export function understood<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new UpstreamError(`the answer of the Messages API cannot be read: ${(error as Error).message}`, {
      status: 502,
      code: 'UNREADABLE',
      retryable: false,
      billed: 'yes',
    })
  }
}

/** An event of the stream. @throws UpstreamError when it is none */
export function parseEvent(data: string): MessagesStreamEvent {
  try {
    const event = JSON.parse(data) as MessagesStreamEvent
    if (typeof event.type !== 'string') throw new TypeError('no type')
    return event
  } catch {
    throw new UpstreamError('the Messages API sent an event that is not JSON', { status: 502, code: 'NOT_AN_EVENT', billed: 'maybe' })
  }
}

/** A whole message, or nothing when the text is none. */
export function parseMessage(text: string): AssistantMessage | undefined {
  try {
    const message = JSON.parse(text) as AssistantMessage
    return message?.type === 'message' && Array.isArray(message.content) ? message : undefined
  } catch {
    return undefined
  }
}
