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
  const both = [false, true] as const
  const delta = { type: 'content_block_delta' }

  describe.each(both)('strict: %s', strict => {
    it.each([
      ['an event', frame('message_stop', { type: 'message_stop' }), { type: 'message_stop' }],
      ['an event of an unknown type', frame('credits', { type: 'credits', left: 3 }), { type: 'credits', left: 3 }],
      ['an event of two unknown names, by its type', frame('usage', { type: 'credits' }), { type: 'credits' }],
      ['a ping, whatever its data', frame('ping', 'still here'), { type: 'ping' }],
      ['an error of the API', frame('error', { type: 'error', error: { type: 'a' } }), { type: 'error', error: { type: 'a' } }],
      ['an error without a body', frame('error', ''), { type: 'error', error: { type: 'api_error' } }],
    ])('gives %s', (_, given, event) => expect(eventOf(given, strict)).toEqual(event))

    it.each([
      ['a comment', frame(null, '')],
      ['a name without data', frame('message_stop', '')],
      ['data without a name', frame(null, '[DONE]')],
      ['other JSON without a name', frame(null, { a: 1 })],
      ['a ping without a name', frame(null, { type: 'ping' })],
      ['an event without a type', frame('usage', { a: 1 })],
    ])('passes over %s', (_, given) => expect(eventOf(given, strict)).toBeUndefined())

    it.each(['{', 'null', '5'])('refuses a name with %s, which is no object', data => {
      expect(codeOf(() => eventOf(frame('credits', data), strict))).toBe('NOT_AN_EVENT')
    })
  })

  it.each([
    ['content without a name', frame(null, delta), undefined],
    ['content of another name', frame('usage', delta), delta],
    ['content in a ping', frame('ping', delta), { type: 'ping' }],
    ['content in an error', frame('error', delta), { type: 'error', error: { type: 'api_error' } }],
    ['another event under the name of content', frame('content_block_delta', { type: 'usage' }), { type: 'usage' }],
    ['data without a type under the name of content', frame('message_delta', {}), undefined],
    ['an error under another name', frame('message', { type: 'error', error: {} }), undefined],
    ['an error without a name', frame(null, { type: 'error' }), undefined],
  ])('reads %s as the SDK does, and refuses it when strict', (_, given, event) => {
    expect(eventOf(given, false)).toEqual(event)
    expect(codeOf(() => eventOf(given, true))).toBe('UNREADABLE')
  })
})

describe('a field that stands twice', () => {
  const data = '{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","type":"text"}}'

  it('is refused where it may hide a call, when strict', () => {
    expect(codeOf(() => eventOf(frame('content_block_start', data), true))).toBe('UNREADABLE')
    expect(eventOf(frame('content_block_start', data), false)).toEqual(JSON.parse(data))
  })
})

describe('parseMessage', () => {
  it.each(['', '{', 'null', '5', '{"type":"message"}', '{"type":"error","content":[]}'])('takes %j for no message', text =>
    expect(parseMessage(text)).toBeUndefined(),
  )
})
