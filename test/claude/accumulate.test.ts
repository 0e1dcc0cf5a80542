import Anthropic from '@anthropic-ai/sdk'
import fc from 'fast-check'
import { MessageAccumulator, type MessagesStreamEvent } from '../../lib/claude/accumulate.js'
import { encodeSse } from '../../lib/claude/sse.js'

const start = (usage = {}): MessagesStreamEvent => ({
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-opus-4-6',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 12, output_tokens: 1, cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 0 }, ...usage },
  },
})
const open = (index: number, content_block: { type: string }): MessagesStreamEvent => ({
  type: 'content_block_start',
  index,
  content_block,
})
const delta = (index: number, type: string, fields: object): MessagesStreamEvent => ({
  type: 'content_block_delta',
  index,
  delta: { type, ...fields },
})
const close = (index: number): MessagesStreamEvent => ({ type: 'content_block_stop', index })
const ending = (fields = {}, usage = {}, event = {}): MessagesStreamEvent => ({
  type: 'message_delta',
  delta: { stop_reason: 'end_turn', stop_sequence: null, ...fields },
  usage: { output_tokens: 9, ...usage },
  ...event,
})
const stop: MessagesStreamEvent = { type: 'message_stop' }
const block = (index: number, content_block: { type: string }, ...deltas: MessagesStreamEvent[]) => [
  open(index, content_block),
  ...deltas,
  close(index),
]

const accumulate = (events: readonly MessagesStreamEvent[]) => {
  const accumulator = new MessageAccumulator()
  for (const event of events) accumulator.add(event)
  return accumulator
}

const clientOf = (events: readonly MessagesStreamEvent[]) => {
  const body = events.map(event => encodeSse(event.type, event)).join('')
  return new Anthropic({
    apiKey: 'k',
    maxRetries: 0,
    fetch: async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
  })
}

const request = { model: 'claude-opus-4-6', max_tokens: 99, messages: [] }
const json = (value: unknown) => JSON.parse(JSON.stringify(value))
// The SDK's helper adds what it parsed; the API did not send that.
const plainly = (message: object) => ({ ...json(message), parsed_output: undefined })
const sdkBuilds = async (events: readonly MessagesStreamEvent[]) => plainly(await clientOf(events).messages.stream(request).finalMessage())
const sdkBetaBuilds = async (events: readonly MessagesStreamEvent[]) =>
  plainly(await clientOf(events).beta.messages.stream(request).finalMessage())

const text = block(0, { type: 'text', text: '' } as never, delta(0, 'text_delta', { text: 'Hel' }), delta(0, 'text_delta', { text: 'lo' }))
const plain: Record<string, MessagesStreamEvent[]> = {
  text: [start(), ...text, ending(), stop],
  'text that starts with some': [
    start(),
    ...block(0, { type: 'text', text: 'He' } as never, delta(0, 'text_delta', { text: 'y' })),
    ending(),
    stop,
  ],
  citations: [
    start(),
    ...block(
      0,
      { type: 'text', text: '', citations: [{ type: 'a' }] } as never,
      delta(0, 'citations_delta', { citation: { type: 'char_location', cited_text: 'x' } }),
      delta(0, 'citations_delta', { citation: { type: 'page_location' } }),
    ),
    ending(),
    stop,
  ],
  thinking: [
    start(),
    ...block(
      0,
      { type: 'thinking', thinking: '', signature: '' } as never,
      delta(0, 'thinking_delta', { thinking: 'a' }),
      delta(0, 'thinking_delta', { thinking: 'b' }),
      delta(0, 'signature_delta', { signature: 's1' }),
    ),
    ending(),
    stop,
  ],
  'redacted thinking': [
    start(),
    ...block(0, { type: 'redacted_thinking', data: 'zz' } as never),
    ...block(1, { type: 'text', text: 'a' } as never),
    ending(),
    stop,
  ],
  'tool use': [
    start(),
    ...block(
      0,
      { type: 'tool_use', id: 't', name: 'n', input: {} } as never,
      delta(0, 'input_json_delta', { partial_json: '' }),
      delta(0, 'input_json_delta', { partial_json: '{"a":[1,{"b"' }),
      delta(0, 'input_json_delta', { partial_json: ':"é"}]}' }),
    ),
    ending({ stop_reason: 'tool_use' }),
    stop,
  ],
  'tool use without input': [
    start(),
    ...block(0, { type: 'tool_use', id: 't', name: 'n', input: { kept: 1 } } as never),
    ...block(1, { type: 'tool_use', id: 'u', name: 'n', input: {} } as never, delta(1, 'input_json_delta', { partial_json: '' })),
    ending(),
    stop,
  ],
  'server tool use': [
    start(),
    ...block(
      0,
      { type: 'server_tool_use', id: 't', name: 'web_search', input: {} } as never,
      delta(0, 'input_json_delta', { partial_json: '{"q":1}' }),
    ),
    ...block(1, { type: 'web_search_tool_result', tool_use_id: 't', content: [{ url: 'u' }] } as never),
    ending({}, { server_tool_use: { web_search_requests: 1 } }),
    stop,
  ],
  'refusal, sequence, container': [
    start(),
    ending({ stop_reason: 'refusal', stop_sequence: 'X', stop_details: { type: 'refusal' }, container: { id: 'c' } }),
    stop,
  ],
  'every usage counter': [
    start(),
    ending(
      {},
      { input_tokens: 20, cache_creation_input_tokens: 1, cache_read_input_tokens: 2, output_tokens_details: { thinking_tokens: 3 } },
    ),
    stop,
  ],
  'usage that is null': [start({ cache_read_input_tokens: 5 }), ending({}, { input_tokens: null, cache_read_input_tokens: null }), stop],
  'totals twice': [start(), ending({}, { output_tokens: 4 }), ending({}, { output_tokens: 7 }), stop],
  'deltas that do not fit': [
    start(),
    ...block(
      0,
      { type: 'text', text: 'a' } as never,
      delta(0, 'thinking_delta', { thinking: 'x' }),
      delta(0, 'input_json_delta', { partial_json: '{}' }),
      delta(0, 'signature_delta', { signature: 'x' }),
      delta(7, 'text_delta', { text: 'lost' }),
    ),
    ending(),
    stop,
  ],
  pings: [start(), { type: 'ping' }, ...text, { type: 'ping' }, ending(), stop],
}
const beta: Record<string, MessagesStreamEvent[]> = {
  compaction: [
    start(),
    ...block(0, { type: 'compaction', content: null } as never, delta(0, 'compaction_delta', { content: 'short', encrypted_content: 'e' })),
    ending({}, { iterations: [{ type: 'compaction', input_tokens: 9, output_tokens: 9 }] }),
    stop,
  ],
  'failed compaction': [
    start(),
    ...block(0, { type: 'compaction', content: 'x' } as never, delta(0, 'compaction_delta', { content: null })),
    ending(),
    stop,
  ],
  'mcp tool use': [
    start(),
    ...block(
      0,
      { type: 'mcp_tool_use', id: 't', name: 'n', server_name: 's', input: {} } as never,
      delta(0, 'input_json_delta', { partial_json: '{"a":null}' }),
    ),
    ending(),
    stop,
  ],
  'context management': [
    start(),
    ending(
      {},
      { fallback_credit: { status: 'used' } },
      { context_management: { applied_edits: [] }, input_transformations: [{ type: 'thinking_dropped' }] },
    ),
    stop,
  ],
  fallback: [start(), ...block(0, { type: 'fallback', to: { model: 'claude-haiku-4-5' } } as never), ending(), stop],
}

describe('MessageAccumulator', () => {
  it.each(Object.keys(plain))('builds the message that messages.stream() builds: %s', async name => {
    expect(json(accumulate(plain[name]!).message)).toEqual(await sdkBuilds(plain[name]!))
  })

  it.each(Object.keys({ ...plain, ...beta }))('builds the message that beta.messages.stream() builds: %s', async name => {
    const events = { ...plain, ...beta }[name]!
    expect(json(accumulate(events).message)).toEqual(await sdkBetaBuilds(events))
  })

  it('agrees with the SDK for any text and any tool input in any pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.integer({ min: 1, max: 9 }),
        async (texts, input, size) => {
          const pieces = JSON.stringify(input).match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
          const events = [
            start(),
            ...block(0, { type: 'text', text: '' } as never, ...texts.map(piece => delta(0, 'text_delta', { text: piece }))),
            ...block(
              1,
              { type: 'tool_use', id: 't', name: 'n', input: {} } as never,
              ...pieces.map(piece => delta(1, 'input_json_delta', { partial_json: piece })),
            ),
            ending(),
            stop,
          ]
          const accumulator = accumulate(events)
          expect(json(accumulator.message)).toEqual(await sdkBuilds(events))
          expect(accumulator.toolUse(1)?.input).toEqual(JSON.parse(JSON.stringify(input)))
        },
      ),
      { numRuns: 100 },
    )
  })

  it('leaves the events as they were', () => {
    for (const events of Object.values({ ...plain, ...beta })) {
      const before = json(events)
      accumulate(events)
      expect(json(events)).toEqual(before)
    }
  })

  it('shows the message as it grows', () => {
    const accumulator = new MessageAccumulator()
    expect(accumulator.message).toBeUndefined()
    accumulator.add(delta(0, 'text_delta', { text: 'early' }))
    expect(accumulator.message).toBeUndefined()
    const grown = plain.text!.map(event => {
      accumulator.add(event)
      return `${accumulator.message?.content[0]?.text} ${accumulator.complete}`
    })
    expect(grown).toEqual(['undefined false', ' false', 'Hel false', 'Hello false', 'Hello false', 'Hello false', 'Hello true'])
  })

  it('tells a tool call, and its input once it is whole', () => {
    const [, opened, , first, last, closed] = plain['tool use']!
    const accumulator = accumulate([start(), opened!, first!])
    expect(accumulator.toolUse(0)).toEqual({ id: 't', name: 'n', input: undefined })
    accumulator.add(last!)
    accumulator.add(closed!)
    expect(accumulator.toolUse(0)).toEqual({ id: 't', name: 'n', input: { a: [1, { b: 'é' }] } })
    expect(accumulator.toolUse(1)).toBeUndefined()
  })

  it('does not guess what an unfinished input would have been', () => {
    const accumulator = accumulate([
      start(),
      ...block(0, { type: 'tool_use', id: 't', name: 'n', input: {} } as never, delta(0, 'input_json_delta', { partial_json: '{"a":1' })),
    ])
    expect(accumulator.toolUse(0)).toEqual({ id: 't', name: 'n', input: undefined })
    expect(accumulator.message?.content[0]?.input).toEqual({})
  })

  it('reads a tool input of null as null', () => {
    const accumulator = accumulate([
      start(),
      ...block(0, { type: 'tool_use', id: 't', name: 'n', input: {} } as never, delta(0, 'input_json_delta', { partial_json: 'null' })),
    ])
    expect(accumulator.toolUse(0)?.input).toBeNull()
  })

  it('refuses a second message', () => {
    expect(() => accumulate([start(), start()])).toThrow(TypeError)
  })

  it('lets events of an unknown type pass', () => {
    const events = [start(), { type: 'news' } as never, ...block(0, { type: 'hologram' }, delta(0, 'hologram_delta', {})), ending(), stop]
    expect(accumulate(events).message?.content).toEqual([{ type: 'hologram' }])
  })

  it('holds no more than its limit', () => {
    const limited = (event: MessagesStreamEvent) => () => {
      const accumulator = new MessageAccumulator({ maxMessageBytes: 2_000 })
      for (const first of [start(), open(0, { type: 'text', text: '' } as never)]) accumulator.add(first)
      for (let n = 0; n < 200; n++) accumulator.add(event)
    }
    expect(limited(delta(0, 'text_delta', { text: 'éééééééé' }))).toThrow('maxMessageBytes')
    expect(limited(delta(0, 'citations_delta', { citation: { type: 'a' } }))).toThrow(RangeError)
    expect(limited(delta(0, 'input_json_delta', { partial_json: '1234567890' }))).toThrow(RangeError)
    expect(limited(open(1, { type: 'hologram' }))).toThrow(RangeError)
    expect(limited(delta(0, 'text_delta', { text: 'a' }))).not.toThrow()
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses a limit of %p', maxMessageBytes => {
    expect(() => new MessageAccumulator({ maxMessageBytes })).toThrow(RangeError)
  })

  it('takes a million deltas in a moment', () => {
    const accumulator = accumulate([start(), open(0, { type: 'tool_use', id: 't', name: 'n', input: {} } as never)])
    accumulator.add(delta(0, 'input_json_delta', { partial_json: '["' }))
    const started = performance.now()
    for (let n = 0; n < 1_000_000; n++) accumulator.add(delta(0, 'input_json_delta', { partial_json: 'abcdefgh' }))
    accumulator.add(delta(0, 'input_json_delta', { partial_json: '"]' }))
    accumulator.add(close(0))
    expect(accumulator.toolUse(0)?.input).toEqual(['abcdefgh'.repeat(1_000_000)])
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})
