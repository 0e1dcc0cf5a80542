import { UpstreamError } from '../core/errors.js'
import type { AssistantMessage, MessagesStreamEvent } from './accumulate.js'
import { namesTwice } from './names-twice.js'
import { parsed } from './parse-json.js'
import { mayTellOfCall, readsOneWay } from './reads-one-way.js'
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

// Events from which a client puts together what it runs.
const telling: ReadonlySet<unknown> = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
])

type Data = { readonly type?: unknown; readonly error?: unknown } | null | undefined

/**
 * The event of a frame, as the SDK reads it. `undefined`: clients of the SDK pass the frame over, so it only travels along.
 * @param strict - refuse what clients read differently: some go by the name of the frame, some by the type in its data
 * @throws UpstreamError when the data is no JSON object; when `strict`, also when name and type are not the same, or a field stands twice
 */
export function eventOf(frame: SseFrame, strict: boolean): MessagesStreamEvent | undefined {
  const { event: name, data } = frame
  if (name === null && data === '') return undefined
  const value = parsed(data) as Data
  const type = value?.type
  if (strict) checkClear(frame, type)
  if (strict && mayTellOfCall(data)) checkOneCall(frame, value !== undefined)
  if (name === 'ping') return { type: 'ping' }
  if (name === 'error') return errorEvent(value?.error)
  if (name === null || data === '') return undefined
  if (typeof value !== 'object' || value === null)
    throw new UpstreamError('the Messages API sent an event that is no JSON object', { status: 502, code: 'NOT_AN_EVENT', billed: 'maybe' })
  return typeof type === 'string' && type !== 'error' ? (value as MessagesStreamEvent) : undefined
}

/** Refuses what two clients could take for two things. */
function checkClear({ event: name, data }: SseFrame, type: unknown): void {
  const tells = telling.has(type) || type === 'error' || (telling.has(name) && data !== '')
  if (tells && name !== type) throw unreadable(name === null ? 'an event has no name' : 'an event has two names')
  if (carriesBlocks.has(type) && namesTwice(data)) throw unreadable('an event names a field twice')
}

/** What goes on as it came, or not at all, must not tell another reader of a call: by the field that came first, or line by line. */
function checkOneCall(frame: SseFrame, isJson: boolean): void {
  if (frame.event === null) throw unreadable('an event has no name')
  if (frame.event === 'error' && !(isJson && readsOneWay(frame))) throw unreadable('an error can be read in two ways')
}

const carriesBlocks: ReadonlySet<unknown> = new Set(['message_start', 'content_block_start'])

function errorEvent(error: unknown): MessagesStreamEvent {
  return { type: 'error', error: (typeof error === 'object' && error !== null ? error : { type: 'api_error' }) as never }
}

/** A whole message, or nothing when the text is none. */
export function parseMessage(text: string): AssistantMessage | undefined {
  const message = parsed(text) as AssistantMessage | null | undefined
  return message?.type === 'message' && Array.isArray(message.content) ? message : undefined
}
