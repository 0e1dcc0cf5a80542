import { type GuardrailCheck, type GuardrailHold, withGuardrails } from 'outrigger/middleware'
import type { MessageBlock, MessagesStreamEvent } from '../../../lib/claude/accumulate.js'
import { failure } from '../../seam/mounts.js'
import { actions, mountedWith } from '../guarded.js'

const mail = 'ada@example.com'
const redact: GuardrailCheck = { find: 'email', response: 'redact', kinds: ['model', 'send'] }
const warn: GuardrailCheck = { find: 'email', response: 'warn', kinds: ['model'], stages: ['result'] }
const holds: readonly GuardrailHold[] = ['full', 'block', 'sentence', { window: 5 }]

const start = (index: number, content_block: MessageBlock): MessagesStreamEvent => ({ type: 'content_block_start', index, content_block })
const delta = (index: number, delta: { type: string; [field: string]: unknown }): MessagesStreamEvent => ({
  type: 'content_block_delta',
  index,
  delta,
})
const stop = (index: number): MessagesStreamEvent => ({ type: 'content_block_stop', index })
const text = (index: number, ...parts: readonly string[]): readonly MessagesStreamEvent[] => [
  start(index, { type: 'text', text: '' }),
  ...parts.map(part => delta(index, { type: 'text_delta', text: part })),
  stop(index),
]

/** Emits events in an action, and gathers what comes out of its taps. */
async function released(check: GuardrailCheck, hold: GuardrailHold, events: readonly unknown[], kind: 'model' | 'send' = 'model') {
  const { runtime, of } = mountedWith(withGuardrails({ checks: [check], hold }))
  const ctx = runtime.context(actions[kind])
  const out: any[] = []
  ctx.sink = event => void out.push(event)
  let error: any
  await runtime
    .run(ctx, async running => {
      for (const event of events) await running.emit(event)
      running.reply = { content: [] }
      await running.taps?.end()
    })
    .catch(failed => {
      error = failed
    })
  return { out, error, told: of('violation').map(({ response, details }) => `${response} ${details}`) }
}

describe('blocks of a message', () => {
  const call = { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }
  const halves = ['{"query":"who is ada@exa', 'mple.com"}']
  const escaped = ['{"query":"ada\\u0040example.com"}']
  const twice = ['{"query":"ada@example.com","query":"x"}']
  const found = { type: 'web_search_tool_result', content: [{ type: 'web_search_result', title: `of ${mail}`, encrypted_content: 'e' }] }

  it.each<[string, readonly MessagesStreamEvent[]]>([
    [
      'the input of a server tool, in halves',
      [start(0, call), ...halves.map(partial_json => delta(0, { type: 'input_json_delta', partial_json })), stop(0)],
    ],
    [
      'the input of a server tool, escaped',
      [start(0, call), ...escaped.map(partial_json => delta(0, { type: 'input_json_delta', partial_json })), stop(0)],
    ],
    [
      'the input of a server tool, in a name that stands twice',
      [start(0, call), ...twice.map(partial_json => delta(0, { type: 'input_json_delta', partial_json })), stop(0)],
    ],
    ['an input that breaks off', [start(0, call), delta(0, { type: 'input_json_delta', partial_json: `{"query":"${mail}` })]],
    ['what a server tool gave', [start(0, found), stop(0)]],
    [
      'thoughts',
      [
        start(0, { type: 'thinking', thinking: '' }),
        delta(0, { type: 'thinking_delta', thinking: 'ada@' }),
        delta(0, { type: 'thinking_delta', thinking: 'example.com' }),
        stop(0),
      ],
    ],
    ['a block of a kind that is not known', [start(0, { type: 'new', what: mail } as never), stop(0)]],
    ['a delta of a kind that is not known', [start(0, { type: 'text', text: '' }), delta(0, { type: 'new_delta', what: mail }), stop(0)]],
  ])('are denied, not rewritten, and nothing of one is released: %s', async (_, events) => {
    for (const hold of holds) {
      const { out, error, told } = await released(redact, hold, events)
      expect(error).toMatchObject({ ruleId: 'guardrails.email', stage: 'result' })
      expect(
        out
          .filter(({ type, delta: given }) => type === 'content_block_start' || given)
          .filter(({ content_block }) => content_block?.type !== 'text'),
      ).toEqual([])
      expect(JSON.stringify(out)).not.toContain('ada')
      expect(told).toEqual(['deny email'])
      const warned = await released(warn, hold, events)
      expect(warned.out).toEqual(events)
      expect(warned.told).toEqual(['warn 1 × email'])
    }
  })

  it('have what only the API can read left out', async () => {
    const events = [
      start(0, { type: 'thinking', thinking: '' }),
      delta(0, { type: 'signature_delta', signature: mail }),
      stop(0),
      start(1, { type: 'redacted_thinking', data: mail } as never),
      stop(1),
      start(2, { type: 'web_search_tool_result', content: [{ type: 'web_search_result', encrypted_content: mail }] }),
      stop(2),
    ]
    for (const hold of holds) expect((await released(redact, hold, events)).out).toEqual(events)
  })

  it('have what citations quote replaced, in their place', async () => {
    const cited = (cited_text: string) => ({ type: 'char_location', cited_text, document_title: 'list' })
    const events = (quoted: string) => [
      start(0, { type: 'text', text: '', citations: [cited(quoted)] }),
      delta(0, { type: 'text_delta', text: 'as ' }),
      delta(0, { type: 'citations_delta', citation: cited(quoted) }),
      delta(0, { type: 'text_delta', text: 'said' }),
      stop(0),
    ]
    for (const hold of holds) {
      expect((await released(redact, hold, events(mail))).out).toEqual(events('[email]'))
      const same = events('nothing')
      const { out } = await released(redact, hold, same)
      expect(out.every((event, at) => event === same[at])).toBe(true)
    }
  })

  it('are replaced where a text stands in the start of its block', async () => {
    const events = (...parts: readonly string[]) => [
      start(0, { type: 'text', text: parts[0]! }),
      delta(0, { type: 'text_delta', text: parts[1]! }),
      stop(0),
    ]
    for (const hold of holds)
      expect((await released(redact, hold, events('to ada@', 'example.com now'))).out).toEqual(events('to [email]', ' now'))
  })

  it.each<[string, readonly MessagesStreamEvent[]]>([
    ['a delta without a block', [delta(3, { type: 'text_delta', text: 'x' })]],
    ['a delta of another block', [start(0, { type: 'text', text: '' }), delta(1, { type: 'text_delta', text: 'x' })]],
    ['the end of another block', [start(0, { type: 'text', text: '' }), stop(1)]],
  ])('are denied out of order: %s', async (_, events) => {
    expect((await released(redact, 'block', events)).error).toMatchObject({ details: 'events out of order' })
    expect((await released(warn, 'block', events)).out).toEqual(events)
  })

  it('that are left open are looked at when the message ends', async () => {
    const open = [start(0, { type: 'text', text: '' }), delta(0, { type: 'text_delta', text: mail })]
    const { out } = await released(redact, 'block', open)
    expect(out.map(event => event.delta?.text)).toEqual([undefined, '[email]'])
  })

  it('too long for an expression are told once, however they come', async () => {
    const checks: GuardrailCheck[] = [{ find: /x/, response: 'warn', stages: ['result'] }]
    for (const parts of [['a'.repeat(20)], 'a'.repeat(20).split('')]) {
      const { runtime, of } = mountedWith(withGuardrails({ checks, hold: { window: 2 }, maxChars: 10 }))
      const ctx = runtime.context(actions.model)
      await runtime.run(ctx, async running => {
        for (const event of text(0, ...parts)) await running.emit(event)
        await running.taps?.end()
      })
      expect(of('violation').map(({ details }) => details)).toEqual(['1 × a text of more than 10 characters'])
    }
  })

  it('of an attempt that failed are neither released nor told', async () => {
    const events = [{ type: 'message_start' }, ...text(0, `to ${mail}`), { type: 'message_start' }, ...text(0, 'all of it')]
    const { out, told } = await released(redact, 'full', events)
    expect(out).toEqual(events.slice(4))
    expect(told).toEqual([])
  })

  it('of a child are held as its parent says', async () => {
    const parent = mountedWith(withGuardrails({ checks: [redact], hold: 'full' }))
    const { runtime } = mountedWith(withGuardrails({ checks: [], hold: { window: 1 } }), { parent, name: 'child' })
    const ctx = runtime.context(actions.model)
    const out: unknown[] = []
    ctx.sink = event => void out.push(event)
    await runtime.run(ctx, async running => {
      for (const event of text(0, 'a long ', 'text')) await running.emit(event)
      expect(out).toEqual([])
      await running.taps?.end()
    })
    expect(out).toEqual(text(0, 'a long ', 'text'))
  })

  it('may be overtaken by pings alone', async () => {
    const [first, ...rest] = text(0, 'one ', 'two')
    const { out } = await released(redact, 'block', [first!, rest[0]!, { type: 'ping' }, ...rest.slice(1)])
    expect(out).toEqual([{ type: 'ping' }, first, ...rest])
  })
})

describe('events of a send', () => {
  it('of messages that an agent shows itself are looked at as messages', async () => {
    const events = [{ type: 'message_start', message: {} }, ...text(0, 'to ada@', 'example.com'), { type: 'message_stop' }]
    for (const hold of holds) {
      const { out } = await released(redact, hold, events, 'send')
      expect(out.map(event => event.delta?.text ?? '').join('')).toBe('to [email]')
      expect(out.at(-1)).toEqual({ type: 'message_stop' })
    }
  })

  it('of a form of its own wait only for the text before them', async () => {
    const { runtime } = mountedWith(withGuardrails({ checks: [redact], hold: 'sentence' }))
    const ctx = runtime.context(actions.send)
    const out: unknown[] = []
    ctx.sink = event => void out.push(event)
    await runtime.run(ctx, async running => {
      for (const event of ['One. ', { n: 1 }]) await running.emit(event)
      expect(out).toEqual(['One. ', { n: 1 }])
      for (const event of ['two', { n: 2 }]) await running.emit(event)
      expect(out).toHaveLength(2)
      await running.emit(' three. ')
      expect(out.slice(2)).toEqual(['two', { n: 2 }, ' three. '])
      await running.taps?.end()
    })
  })

  it('of model calls side by side are kept apart', async () => {
    const of = (action: string, event: unknown) => ({ type: 'model', action, path: ['s', action], event })
    const [a, b] = [text(0, 'to ada@', 'example.com'), text(0, 'the reef', ' is near')]
    const events = a.flatMap((event, at) => [of('a', event), of('b', b[at])])
    for (const hold of holds) {
      const { out, told } = await released(redact, hold, events, 'send')
      const said = (action: string) =>
        out
          .filter(event => event.action === action)
          .map(({ event }) => event.delta?.text ?? '')
          .join('')
      expect([said('a'), said('b')]).toEqual(['to [email]', 'the reef is near'])
      expect(told).toEqual([])
    }
  })

  it('of a model call that was tried again begin anew', async () => {
    const of = (event: unknown) => ({ type: 'model', action: 'a', path: ['s', 'a'], event })
    const begun = [{ type: 'message_start' }, ...text(0, 'lost').slice(0, 2)]
    const { out } = await released(redact, 'block', [...begun, { type: 'message_start' }, ...text(0, 'all')].map(of), 'send')
    expect(out.map(({ event }) => event.delta?.text).filter(Boolean)).toEqual(['all'])
  })
})

describe('a tool result', () => {
  it('that looks like a thought is no place to hide in', async () => {
    const { act } = mountedWith(withGuardrails({ checks: [{ find: 'email', response: 'deny', kinds: ['tool'] }] }))
    for (const hidden of [
      { type: 'thinking', signature: mail },
      { type: 'redacted_thinking', data: mail },
      { type: 'web_search_result', encrypted_content: mail },
    ])
      expect(await failure(act('tool', hidden))).toMatchObject({ ruleId: 'guardrails.email' })
  })
})
