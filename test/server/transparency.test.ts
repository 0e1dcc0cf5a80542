import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { createSidecar } from 'outrigger'
import { createServer, outsideAgent } from 'outrigger/server'
import type { Upstream } from '../../lib/claude/wire.js'
import { startServer } from '../support/messages-server.js'
import { ask } from '../seam/mounts.js'
import { companion } from './companion.js'

const folder = join(__dirname, '../vectors/streams')

/** Streams as the API writes them, by what is in them. */
const recorded: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(folder).map(file => [file.replace('.sse', ''), readFileSync(join(folder, file), 'utf8')]),
)
const names = Object.keys(recorded)

const lineEnds = { LF: '\n', CRLF: '\r\n', CR: '\r' } as const
const withEnds = (name: string, end: keyof typeof lineEnds) => recorded[name]!.replaceAll('\n', lineEnds[end])

const tools = ['get_weather', 'get_time'].map(name => ({ name, input_schema: { type: 'object' } }))
const streamed = JSON.stringify({ ...ask, model: 'claude-opus-4-8', tools, stream: true })
const plain = JSON.stringify({ ...ask, model: 'claude-opus-4-8', tools })

interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly chunks: readonly (Uint8Array | string)[]
}

const eventStream = { 'content-type': 'text/event-stream; charset=utf-8' }

/** An upstream whose chunks are exactly these: a network would put some of them together. */
class Given {
  answer: Answer = { chunks: [] }

  readonly upstream: Upstream = async () => {
    const { status = 200, headers = eventStream, chunks } = this.answer
    return { status, headers, body: given(chunks) }
  }

  stream(text: string | Buffer, cuts: readonly number[] = []): void {
    const bytes = Buffer.from(text)
    const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length]
    this.answer = { chunks: places.slice(1).map((to, at) => bytes.subarray(places[at]!, to)) }
  }
}

async function* given(chunks: Answer['chunks']): AsyncGenerator<Uint8Array | string> {
  for (const chunk of chunks) yield chunk
}

const up = new Given()
let baseURL: string
let token: string
let close: () => Promise<void>

const post = (body: string, at: string = baseURL, as: string = token) =>
  fetch(`${at}/v1/messages`, { method: 'POST', headers: { 'x-api-key': as, 'content-type': 'application/json' }, body })

const received = async (body: string = streamed) => Buffer.from(await (await post(body)).arrayBuffer()).toString()

const frame = (data: { readonly type: string; readonly [key: string]: unknown }) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`

/** What can be cut in the wrong place, in few bytes: a comment, CRLF, characters of several bytes, a call. */
const short = [
  frame({ type: 'message_start', message: { usage: { input_tokens: 1 } } }),
  ': é\r\n\r\n',
  frame({ type: 'content_block_start', index: 0, content_block: { type: 'tool_use', name: 'get_time' } }),
  frame({ type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"🌊":1}' } }).replaceAll('\n', '\r\n'),
  frame({ type: 'content_block_stop', index: 0 }),
  frame({ type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 1 } }),
  frame({ type: 'message_stop' }),
].join('')

const framesOf = (text: string) => text.split(/(?<=\n\n)/)

function serving(start: () => Promise<{ baseURL: string; token: string; close(): Promise<void> }>): void {
  beforeAll(async () => {
    ;({ baseURL, token, close } = await start())
  })
  afterAll(() => close())
}

describe('a stream behind the full stack', () => {
  serving(() => companion('http://127.0.0.1:1', { claude: { upstream: up.upstream } }))

  it('is there for every kind of event', () => {
    expect(names).toEqual(
      'code-and-mcp compaction empty error fallback future odd-lines refusal server-tools text thinking tool-use'.split(' '),
    )
  })

  describe.each(names)('%s', name => {
    it.each(['LF', 'CRLF'] as const)('is the same bytes, at once and one by one (%s)', async end => {
      const text = withEnds(name, end)
      up.stream(text)
      expect(await received()).toBe(text)
      up.stream(text, [...Buffer.from(text).keys()].slice(1))
      expect(await received()).toBe(text)
    })
  })

  const withoutInput = names.filter(name => !/"(tool_use|partial_json)"/.test(recorded[name]!))
  it.each(withoutInput)('%s is the same bytes with lines that end in CR', async name => {
    up.stream(withEnds(name, 'CR'))
    expect(await received()).toBe(withEnds(name, 'CR'))
  })

  // What some readers take for a line end and some do not: a call is written as it was judged.
  it.each(names.filter(name => !withoutInput.includes(name)))('writes the calls of %s anew where its lines end in CR', async name => {
    up.stream(withEnds(name, 'CR'))
    const data = (text: string) => [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!))
    expect(data((await received()).replaceAll('\r', '\n'))).toEqual(data(recorded[name]!))
  })

  it('is the same bytes wherever a chunk ends', async () => {
    const length = Buffer.byteLength(short)
    const wrong: number[] = []
    for (let at = 1; at < length; at++) {
      up.stream(short, [at])
      if ((await received()) !== short) wrong.push(at)
    }
    expect(wrong).toEqual([])
  })

  it('is the same bytes however it is cut', async () => {
    const stream = fc.record({ name: fc.constantFrom(...names), end: fc.constantFrom('LF' as const, 'CRLF' as const) })
    const cuts = fc.array(fc.nat(10_000), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(stream, cuts, async ({ name, end }, places) => {
        const text = withEnds(name, end)
        up.stream(
          text,
          places.map(place => place % Buffer.byteLength(text)),
        )
        expect(await received()).toBe(text)
      }),
      { numRuns: 100 },
    )
  })

  it('loses nothing of what comes within a call, which moves before it', async () => {
    const [before, after] = recorded['tool-use']!.split(/(?<=partial_json":""}} {8}\n\n)/) as [string, string]
    const beside = ['event: ping\ndata: {"type": "ping"}\n\n', ': still here\n\n']
    up.stream(before + beside.join('') + after)
    const all = framesOf(await received())
    expect(all.filter(frame => !beside.includes(frame)).join('')).toBe(recorded['tool-use'])
    expect(all.filter(frame => beside.includes(frame))).toEqual(beside)
  })

  it.each([
    ['names a field twice', '"partial_json":""}}', '"partial_json":"x","partial_json":""}}'],
    ['has its name twice', 'event: content_block_delta\ndata: {"type":"content_block_delta","index":1', 'event: ping\n$&'],
    ['has its data in two lines', ',"delta":{"type":"input_json_delta","partial_json":""}}', '\ndata: $&'],
  ])('writes a frame of a call as it was judged where it %s', async (_, part, other) => {
    const odd = recorded['tool-use']!.replace(part, other)
    expect(odd).not.toBe(recorded['tool-use'])
    up.stream(odd)
    const frame =
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}\n\n'
    const plainly = (text: string) => text.replaceAll(/ +\n\n/g, '\n\n')
    expect(plainly(await received())).toBe(plainly(recorded['tool-use']!))
    expect(await received()).toContain(frame)
  })

  describe('an answer that is not streamed', () => {
    const usage = '"usage":{"input_tokens":10,"output_tokens":5,"a_new_figure":null}'
    const message = (content: string, more = '') =>
      `{"type":"message", "id" : "msg_1","role":"assistant","model":"claude-opus-4-8","content":${content},"stop_reason":"end_turn","stop_sequence":null,${usage}${more}}`

    it.each([
      ['text', message('[{"type":"text","text":"hi"}]')],
      ['spaces, escapes and new lines', `\n ${message('[ {"type":"text","text":"\\u00e9\\/\\ud83c\\udf0a é🌊\u2028"}\t]')}\r\n`],
      ['unknown fields and blocks', message('[{"type":"hologram","frames":[1.0,12345678901234567890,1e400]}]', ',"novel":{"a":[]},"0":1')],
      ['a field twice', message('[{"type":"text","text":"hi"}]', ',"novel":1,"novel":2')],
      ['a call', message('[{"type":"tool_use","id":"toolu_1","name":"get_time","input":{"n": 1.0, "\\u0061": "\\u00e9"}}]')],
    ])('is the same bytes: %s', async (_, text) => {
      up.answer = { headers: { 'content-type': 'application/json' }, chunks: [...Buffer.from(text)].map(byte => Buffer.of(byte)) }
      expect(await received(plain)).toBe(text)
    })

    it('is written as it was judged where a call could be read in two ways', async () => {
      const text = message('[{"type":"tool_use","id":"toolu_1","name":"get_time","input":{"a":1,"a":2}}]')
      up.answer = { headers: { 'content-type': 'application/json' }, chunks: [text] }
      expect(await received(plain)).toBe(JSON.stringify(JSON.parse(text)))
    })
  })

  it.each([
    ['content', '"content":[{"type":"text","text":"hi"}]'],
    ['type', '"a":0'],
  ])('is written as it was judged where another reader would find a call: %s', async (name, more) => {
    const hidden = '{"type":"tool_use","id":"toolu_1","name":"get_time","input":{}'
    const content = name === 'type' ? `[${hidden},"type":"text","text":"hi"}]` : `[${hidden}}]`
    const text = `{"type":"message","id":"msg_1","role":"assistant","model":"claude-opus-4-8","content":${content},${more},"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`
    up.answer = { headers: { 'content-type': 'application/json' }, chunks: [text] }
    const got = await received(plain)
    expect(got).toBe(JSON.stringify(JSON.parse(text)))
    expect(got).not.toContain('tool_use')
  })

  describe('status and headers', () => {
    const shown = {
      'request-id': 'req_011',
      'anthropic-organization-id': 'org_1',
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-tokens-remaining': '39000',
      'anthropic-ratelimit-unified-status': 'allowed',
      'retry-after': '7',
      'x-envoy-upstream-service-time': '12',
      'cf-ray': '8d',
      server: 'cloudflare',
      'x-novel': '~!',
    }
    const own = {
      connection: 'close',
      'transfer-encoding': 'chunked',
      'content-encoding': 'identity',
      'x-should-retry': 'true',
      'keep-alive': 'x',
    }

    it.each([
      ['a stream', 200, eventStream, recorded.text!, streamed],
      ['an answer', 200, { 'content-type': 'application/json; v=1' }, '{"type":"message","content":[],"usage":{}}', plain],
      [
        'an error',
        429,
        { 'content-type': 'application/json' },
        '{"type":"error","error":{"type":"rate_limit_error","message":"no"}} ',
        plain,
      ],
      [
        'an error of a stream',
        529,
        { 'content-type': 'application/json' },
        '{"type":"error","error":{"type":"overloaded_error"}}',
        streamed,
      ],
      ['a page', 503, { 'content-type': 'text/html' }, '<html>\n</html>', plain],
      ['nothing', 500, {}, '', plain],
    ])('of %s', async (_, status, headers, text, body) => {
      up.answer = { status, headers: { ...shown, ...own, ...headers }, chunks: [text] }
      const response = await post(body)
      expect(response.status).toBe(status)
      expect(Object.fromEntries(response.headers)).toMatchObject({ ...shown, ...headers })
      expect(response.headers.get('content-encoding')).toBeNull()
      expect(response.headers.get('x-should-retry')).toBe(status < 400 ? null : 'false')
      expect(await response.text()).toBe(text)
    })
  })
})

describe('a stream without any layer', () => {
  serving(async () => {
    const sidecar = createSidecar({ agent: outsideAgent('bare'), use: [], claude: { upstream: up.upstream } })
    const server = await createServer({ agents: [{ sidecar }] })
    return { baseURL: server.baseURL, token: server.agents[0]!.token, close: () => server.close() }
  })

  it.each(names.flatMap(name => (['LF', 'CRLF', 'CR'] as const).map(end => [name, end] as const)))(
    '%s is the same bytes (%s)',
    async (name, end) => {
      up.stream(withEnds(name, end), [5, 50, 500])
      expect(await received()).toBe(withEnds(name, end))
    },
  )
})

describe('a stream over HTTP on both sides', () => {
  it.each(names)('%s is the same bytes', async name => {
    const text = recorded[name]!
    const server = await startServer(() => ({ status: 200, headers: eventStream, chunks: framesOf(text), ending: 'end' }))
    const ours = await companion(server.url)
    const response = await post(streamed, ours.baseURL, ours.token)
    expect(await response.text()).toBe(text)
    expect(response.headers.get('request-id')).toBe('req_test_1')
    expect(ours.holds).toEqual([])
    await ours.close()
    await server.close()
  })
})
