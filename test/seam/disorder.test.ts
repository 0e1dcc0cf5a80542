import type Anthropic from '@anthropic-ai/sdk'
import fc from 'fast-check'
import { isOutriggerError, ViolationError } from '../../lib/core/errors.js'
import type { Middleware, ToolUse } from '../../lib/core/types.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { script } from '../support/script.js'
import { ask, failure, type Mount, mounted, mounts, runnable } from './mounts.js'

const forbidden = 'rm -rf /the/hull'

function fence(judged: ToolUse[]): Middleware {
  return async (ctx, next) => {
    ctx.tap({
      toolUse(call) {
        judged.push(call)
        if (JSON.stringify(call.input).includes(forbidden)) throw new ViolationError({ ruleId: 'no-rm' })
      },
    })
    await next()
  }
}

const usage = { input_tokens: 5, output_tokens: 1 }
const start = (content: readonly object[] = []) => ({
  type: 'message_start',
  message: { id: 'm', type: 'message', role: 'assistant', model: ask.model, content, stop_reason: null, stop_sequence: null, usage },
})
const call = (index: unknown, id = 'toolu_1', input: object = {}) => ({
  type: 'content_block_start',
  index,
  content_block: { type: 'tool_use', id, name: 'Bash', input },
})
const text = (index: unknown) => ({ type: 'content_block_start', index, content_block: { type: 'text', text: '' } })
const json = (index: unknown, partial_json: string) => ({
  type: 'content_block_delta',
  index,
  delta: { type: 'input_json_delta', partial_json },
})
const stop = (index: unknown) => ({ type: 'content_block_stop', index })
const end = [
  { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 9 } },
  { type: 'message_stop' },
]
const refusal = [
  { type: 'message_delta', delta: { stop_reason: 'refusal', stop_sequence: null }, usage: { output_tokens: 9 } },
  { type: 'message_stop' },
]
const evil = JSON.stringify({ command: forbidden })
const good = JSON.stringify({ command: 'ls' })
const named = (name: string, event: object) => `event: ${name}\ndata: ${JSON.stringify(event)}\n\n`
const unnamed = (event: object) => `data: ${JSON.stringify(event)}\n\n`

/** What hides in one frame from a reader who takes the last of two fields, and puts the lines of data together. */
const whole = [call(0), json(0, evil), stop(0)].map(event => JSON.stringify(event))
const asLines = (name: string, ...data: readonly string[]) => `${name}${data.map(line => `data: ${line}\n`).join('')}\n`

const streams: Record<string, readonly (object | string)[]> = {
  'two calls at once': [start(), call(0), json(0, evil), call(1, 'toolu_2'), json(1, good), stop(1), stop(0), ...end],
  'a text within a call': [start(), call(0), json(0, evil), text(1), stop(1), stop(0), ...end],
  'input after the end of the block': [start(), call(0), stop(0), json(0, evil), stop(0), ...end],
  'input after the end of the block, which ends once': [start(), call(0), stop(0), json(0, evil), ...end],
  'an index from the end': [start(), call(0), json(-1, evil), stop(0), ...end],
  'an index that is a string': [start(), call(0), json('0', evil), stop(0), ...end],
  'a call in message_start': [start([{ type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { command: forbidden } }]), ...end],
  'input in pings': [start(), call(0), named('ping', json(0, `${good} `)), named('ping', stop(0)), json(0, evil), stop(0), ...end],
  'a call in pings': [start(), named('ping', call(0)), named('ping', json(0, evil)), named('ping', stop(0)), ...end],
  'a call in an error': [start(), named('error', call(0)), json(0, evil), stop(0), ...end],
  'another call in the frame of one': [
    start(),
    `event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"Bash","input":{"command":"${forbidden}"},"input":{"command":"ls"}}}\n\n`,
    stop(0),
    ...end,
  ],
  'input in the start of a call, and an empty rest': [start(), call(0, 'toolu_1', { command: forbidden }), json(0, ''), stop(0), ...end],
  'a call in the frame of a text': [
    start(),
    text(0),
    `event: content_block_delta\ndata: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"Bash","input":{"command":"${forbidden}"}},"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"},"content_block":0}\n\n`,
    stop(0),
    ...refusal,
  ],
  'input for a call in the frame of a text': [
    start(),
    call(0),
    stop(0),
    text(1),
    `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":${JSON.stringify(json(0, evil).delta)},"index":1,"delta":{"type":"text_delta","text":"hi"}}\n\n`,
    stop(1),
    ...end,
  ],
  'a call in a type that nobody knows': [
    start(),
    `event: novel\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"tool_\\u0075se","input":{"command":"${forbidden}"}},"type":"novel","content_block":0}\n\n`,
    ...refusal,
  ],
  'a call in lines without a name': [start(), asLines('', ...whole), ...refusal],
  'a call in the lines of a ping': [start(), asLines('event: ping\n', ...whole), ...refusal],
  'a call in the lines of an error': [start(), text(0), asLines('event: error\n', ...whole), ...refusal],
  'input in the start of a call, and another in the rest': [
    start(),
    call(0, 'toolu_1', { command: forbidden }),
    json(0, good),
    stop(0),
    ...end,
  ],
  'input in events without a name': [start(), call(0), unnamed(json(0, '{"command":"ls","x":')), json(0, evil), stop(0), ...end],
  'input in events of another name': [start(), call(0), named('usage', json(0, evil)), json(0, good), stop(0), ...end],
  'the end of another block': [
    start(),
    call(0, 'toolu_1'),
    json(0, good),
    stop(0),
    call(1, 'toolu_2'),
    json(1, evil),
    stop(0),
    stop(1),
    ...end,
  ],
  'blocks that are numbered from 1': [start(), call(1), json(1, evil), stop(1), ...end],
  'a call that does not end': [start(), call(0), json(0, evil), ...end],
  'a call after the end of the message': [start(), ...end, call(0), json(0, evil), stop(0)],
  'a name that stands twice': [start(), call(0), json(0, `{"command":"${forbidden}","command":"ls"}`), stop(0), ...end],
}

let server: MessagesServer

afterEach(() => server.close())

describe.each(mounts)('a stream out of order, with a judge in the stack (%s)', mount => {
  it.each(Object.entries(streams))('shows no call that was not judged: %s', async (_, events) => {
    server = await startServer([script.events(events as never), script.text('done')])
    const { client, close } = await mounted(mount, server.url, { use: [fence([])], client: { maxRetries: 0 } })
    const runs: unknown[] = []
    await client.beta.messages
      .toolRunner({ ...ask, stream: true, runToolsEagerly: true, tools: [runnable('Bash', 'ran', runs)] })
      .runUntilDone()
      .catch(() => {})
    expect(JSON.stringify(runs)).not.toContain('hull')
    await close()
  })

  it.each([
    ['an end within a text', [start(), text(0), ...refusal], [{ type: 'text' }]],
    [
      'an end within a call',
      [start(), call(0), json(0, '{"comm'), ...refusal],
      [{ type: 'text', text: expect.stringContaining('it was not finished') }],
    ],
    ['a block that another ends', [start(), text(0), { ...text(1), content_block: { type: 'fallback', to: {} } }, ...refusal], [{}, {}]],
    ['a ping without a name', [start(), unnamed({ type: 'ping' }), ...refusal], []],
  ])('but takes what breaks off: %s', async (_, events, content) => {
    server = await startServer(script.events(events as never))
    const { client, close } = await mounted(mount, server.url, { use: [fence([])], client: { maxRetries: 0 } })
    const message = await client.messages.stream(ask).finalMessage()
    expect(message).toMatchObject({ stop_reason: 'refusal', content })
    await close()
  })

  it('shows no client the bytes that were not judged', async () => {
    const hidden = [
      'input in pings',
      'a call in pings',
      'another call in the frame of one',
      'a call in the frame of a text',
      'input for a call in the frame of a text',
      'a call in a type that nobody knows',
      'a call in lines without a name',
      'a call in the lines of a ping',
      'a call in the lines of an error',
      'input in the start of a call, and an empty rest',
      'input in the start of a call, and another in the rest',
    ]
    for (const name of hidden) {
      server = await startServer(script.events(streams[name] as never))
      const { client, close } = await mounted(mount, server.url, { use: [fence([])], client: { maxRetries: 0 } })
      const body = client.messages
        .create({ ...ask, stream: true })
        .asResponse()
        .then(response => response.text())
      expect(await body.catch(String)).not.toContain(forbidden)
      await close()
      await server.close()
    }
  })

  it('is an error of the upstream', async () => {
    server = await startServer(script.events(streams['two calls at once'] as never))
    const { client, close } = await mounted(mount, server.url, { use: [fence([])], client: { maxRetries: 0 } })
    const error = await failure(client.messages.stream(ask).finalMessage())
    expect(isOutriggerError(error, 'ERR_UPSTREAM')).toBe(true)
    await close()
  })
})

describe('a call that only the end of the message breaks off', () => {
  it('becomes a text before the taps are told of the end', async () => {
    const [, last] = end
    server = await startServer(script.events([start(), call(0), json(0, '{"c'), last] as never))
    const collecting: Middleware = async (ctx, next) => {
      const held: unknown[] = []
      const release = (push: (event: unknown) => void) => held.splice(0).forEach(push)
      ctx.tap({ event: event => void held.push(event), end: release })
      await next()
    }
    const { client, close } = await mounted('claude', server.url, { use: [collecting, fence([])], client: { maxRetries: 0 } })
    const types: string[] = []
    for await (const { type } of await client.messages.create({ ...ask, stream: true })) types.push(type)
    expect(types.slice(0, 4)).toEqual(['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop'])
    await close()
  })
})

describe('without a judge', () => {
  it('an error under another name passes like the event that it is to the SDK', async () => {
    const [delta, last] = end
    const odd = named('message', { type: 'error', error: { type: 'overloaded_error' } })
    server = await startServer(script.events([start(), text(0), odd, stop(0), delta, last] as never))
    const { client, close } = await mounted('claude', server.url)
    const types: string[] = []
    for await (const { type } of await client.messages.create({ ...ask, stream: true })) types.push(type)
    expect(types.at(-1)).toBe('message_stop')
    expect(types).toContain('error')
    await close()
  })

  it('any order passes, as without us', async () => {
    server = await startServer(script.events(streams['two calls at once'] as never))
    const { client, close } = await mounted('claude', server.url)
    const { content } = await client.messages.stream(ask).finalMessage()
    expect(content).toMatchObject([{ input: JSON.parse(evil) }, { input: JSON.parse(good) }])
    await close()
  })
})

/** The calls that a client of the SDK would make of what it received. */
async function received(
  client: Anthropic,
): Promise<{ readonly calls: readonly string[]; readonly ended: boolean; readonly error: unknown }> {
  const blocks: { readonly block: any; json: string }[] = []
  let ended = false
  let error: unknown
  try {
    for await (const event of await client.messages.create({ ...ask, stream: true })) {
      if (event.type === 'content_block_start') blocks.push({ block: event.content_block, json: '' })
      if (event.type === 'message_stop') ended = true
      if (event.type !== 'content_block_delta' || event.delta?.type !== 'input_json_delta') continue
      const at = blocks.at(event.index)
      if (at) at.json += event.delta.partial_json
    }
  } catch (caught) {
    error = caught
  }
  const calls = blocks
    .filter(({ block }) => block?.type === 'tool_use')
    .map(({ block, json: input }) => ({ ...block, input: input ? parsed(input) : block.input }))
    // Nobody can run a call whose input is no JSON.
    .filter(({ input }) => input !== undefined)
    .map(({ id = '', name = '', input }) => said(id, name, input))
  return { calls, ended, error }
}

const said = (id: string, name: string, input: unknown) => JSON.stringify([id, name, input])

function parsed(input: string): unknown {
  try {
    return JSON.parse(input)
  } catch {
    return undefined
  }
}

const places = fc.nat(30)
const change = fc.oneof(
  fc.tuple(fc.constant('drop' as const), places, places),
  fc.tuple(fc.constant('repeat' as const), places, places),
  fc.tuple(fc.constant('swap' as const), places, places),
  fc.tuple(fc.constant('index' as const), places, fc.nat(3)),
  fc.tuple(fc.constant('byte' as const), places, fc.nat(120)),
  fc.tuple(fc.constant('line' as const), places, fc.nat(120)),
)

/** A good stream with its frames and bytes out of place. */
function mutated(frames: readonly string[], changes: readonly (readonly [string, number, number])[]): string {
  const list = [...frames]
  for (const [kind, place, other] of changes) {
    const at = place % list.length
    const to = other % list.length
    const frame = list[at]!
    const cut = other % frame.length
    if (kind === 'drop' && list.length > 1) list.splice(at, 1)
    else if (kind === 'repeat') list.splice(to, 0, frame)
    else if (kind === 'swap') [list[at], list[to]] = [list[to]!, frame]
    else if (kind === 'index') list[at] = frame.replace(/"index":\d/, `"index":${other}`)
    else if (kind === 'byte') list[at] = frame.slice(0, cut) + frame.slice(cut + 1)
    else list[at] = `${frame.slice(0, cut)}\n\n${frame.slice(cut)}`
  }
  return list.join('')
}

describe.each(['claude', 'listen'] as const)('a stream with frames and bytes out of place (%s)', (mount: Mount) => {
  it('never shows a call that no judge has seen, and never ends like a whole one without its end', async () => {
    const reply = script.reply({
      text: 'Hi 🌊',
      toolUse: [
        { name: 'Bash', input: { command: 'ls' } },
        { name: 'Cat', input: { path: 'q' } },
      ],
    })
    let changes: readonly (readonly [string, number, number])[] = []
    server = await startServer(asked => {
      const answer = reply(asked)
      return { ...answer, chunks: [mutated(answer.chunks.map(String), changes)] }
    })
    const judged: ToolUse[] = []
    const { client, close } = await mounted(mount, server.url, { use: [fence(judged)], client: { maxRetries: 0 } })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async given => {
        changes = given
        judged.length = 0
        const { calls, ended, error } = await received(client)
        const seen = judged.map(({ id, name, input }) => said(id, name, input))
        expect(calls.filter(made => !seen.includes(made))).toEqual([])
        if (!error) expect(ended).toBe(true)
        else if (!isOutriggerError(error)) throw error
      }),
      { numRuns: 300 },
    )
    await close()
  })
})
