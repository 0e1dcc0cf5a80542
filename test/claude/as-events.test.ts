import { MessageAccumulator } from '../../lib/claude/accumulate.js'
import { asEvents } from '../../lib/claude/as-events.js'
import { messageOf } from '../../lib/testing/messages.js'

const message = messageOf(
  {
    thinking: 'Think.',
    text: ['Two miles.', ''],
    toolUse: [{ name: 'Bash', input: { command: 'ls', deep: [1, null, { ä: '\u2028' }] } }, { name: 'Now' }],
    usage: { cache_read_input_tokens: 4 },
  },
  { n: 1, model: 'm', bodyText: '{}' },
)

describe('asEvents', () => {
  it('gives a message as the events that would have streamed it', () => {
    const events = [...asEvents(message)]
    expect(events.map(event => ('delta' in event && 'type' in event.delta ? event.delta.type : event.type))).toEqual([
      'message_start',
      'content_block_start',
      'thinking_delta',
      'signature_delta',
      'content_block_stop',
      'content_block_start',
      'text_delta',
      'content_block_stop',
      'content_block_start',
      'content_block_stop',
      'content_block_start',
      'input_json_delta',
      'content_block_stop',
      'content_block_start',
      'input_json_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
  })

  it('which put together again are the message', () => {
    const whole = new MessageAccumulator()
    for (const event of asEvents(message)) whole.add(event)
    expect(JSON.parse(JSON.stringify(whole.message))).toEqual(JSON.parse(JSON.stringify(message)))
    expect(whole.complete).toBe(true)
  })
})
