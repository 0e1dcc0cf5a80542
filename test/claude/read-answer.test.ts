import { eventOf, parseMessage } from '../../lib/claude/read-answer.js'
import type { SseFrame } from '../../lib/claude/sse.js'

const frame = (event: string | null, data: unknown): SseFrame => ({
  event,
  data: typeof data === 'string' ? data : JSON.stringify(data),
  raw: '',
})
const codeOf = (read: () => unknown): unknown => {
  try {
    return read()
  } catch (error) {
    return (error as { upstream?: { code?: string } }).upstream?.code
  }
}

describe('eventOf', () => {
  it.each([
    ['an event', frame('message_stop', { type: 'message_stop' }), { type: 'message_stop' }],
    ['an event of an unknown type', frame('credits', { type: 'credits', left: 3 }), { type: 'credits', left: 3 }],
    ['a ping, whatever its data', frame('ping', 'still here'), { type: 'ping' }],
    [
      'an error of the API',
      frame('error', { type: 'error', error: { type: 'overloaded_error' } }),
      { type: 'error', error: { type: 'overloaded_error' } },
    ],
    ['an error without a body', frame('error', ''), { type: 'error', error: { type: 'api_error' } }],
  ])('gives %s', (_, given, event) => expect(eventOf(given)).toEqual(event))

  it.each([
    ['a comment', frame(null, '')],
    ['a name without data', frame('message_stop', '')],
    ['data without a name', frame(null, '[DONE]')],
    ['other JSON without a name', frame(null, { a: 1 })],
    ['an event without a type', frame('usage', { a: 1 })],
    ['an event of two unknown names', frame('usage', { type: 'credits' })],
  ])('passes over %s, as the SDK does or may', (_, given) => expect(eventOf(given)).toBeUndefined())

  it.each([
    ['a known event without a name', frame(null, { type: 'content_block_delta' }), 'UNREADABLE'],
    ['a known event of another name', frame('usage', { type: 'content_block_delta' }), 'UNREADABLE'],
    ['a known name on another event', frame('content_block_delta', { type: 'usage' }), 'UNREADABLE'],
    ['a known name on something else', frame('message_start', 'null'), 'UNREADABLE'],
    ['a name with what is no JSON', frame('message_start', '{'), 'NOT_AN_EVENT'],
  ])('refuses %s', (_, given, code) => expect(codeOf(() => eventOf(given))).toBe(code))
})

describe('parseMessage', () => {
  it.each(['', '{', 'null', '5', '{"type":"message"}', '{"type":"error","content":[]}'])('takes %j for no message', text =>
    expect(parseMessage(text)).toBeUndefined(),
  )
})
