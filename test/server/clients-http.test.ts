import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { ask, gate, key } from '../seam/mounts.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { type Scripted, script } from '../support/script.js'
import { companion, type TestCompanion } from './companion.js'

/** What a program is told of the Messages API: where it is, and who it is there. */
interface Way {
  readonly baseURL: string
  readonly token: string
}

const answered = script.reply({
  thinking: 'Think of the tide.',
  text: ['Two miles. ', 'Mind the reef: 🌊\u2028"\\'],
  toolUse: { name: 'distance', input: { to: 'reef' }, id: 'toolu_1' },
  // Python writes JSON with other spaces than we do: a server that counts bytes would see that.
  usage: { input_tokens: 30, output_tokens: 5 },
  headers: { 'anthropic-ratelimit-requests-remaining': '41', 'anthropic-organization-id': 'org_1' },
})

let server: MessagesServer
let ours: TestCompanion

async function start(answer: Scripted | readonly Scripted[]): Promise<void> {
  server = await startServer(answer)
  ours = await companion(server.url)
}

afterEach(async () => {
  await ours.close()
  await server.close()
})

/** The same program against the API itself and against a companion: what it saw, each time. */
async function bothWays<T>(answer: () => Scripted | readonly Scripted[], program: (way: Way) => Promise<T>): Promise<[bare: T, ours: T]> {
  const alone = await startServer(answer())
  const bare = await program({ baseURL: alone.url, token: key })
  await alone.close()
  await start(answer())
  return [bare, await program(ours)]
}

/** Writes `text` to a socket and reads until `ended` says so, or the other side ends it. */
async function spoken({ baseURL }: Way, text: string, ended: (all: string) => boolean = () => false): Promise<string> {
  const socket = connect(Number(new URL(baseURL).port), '127.0.0.1')
  let all = ''
  socket.write(text)
  for await (const chunk of socket.setEncoding('utf8')) {
    all += chunk
    if (ended(all)) break
  }
  socket.destroy()
  return all
}

const tools = [{ name: 'distance', input_schema: { type: 'object' } }]
const body = JSON.stringify({ ...ask, tools })
const streamed = JSON.stringify({ ...ask, tools, stream: true })

function requestText({ baseURL, token }: Way, content: string, more: readonly string[] = [], version: string = '1.1'): string {
  const lines = [
    `POST /v1/messages HTTP/${version}`,
    `Host: ${new URL(baseURL).host}`,
    `X-API-Key: ${token}`,
    'Content-Type: application/json',
    ...more,
  ]
  return `${[...lines, `Content-Length: ${Buffer.byteLength(content)}`].join('\r\n')}\r\n\r\n${content}`
}

const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)
const headOf = (answer: string) => answer.slice(0, answer.indexOf('\r\n\r\n'))

/** The chunks of a body in chunked transfer coding. */
function chunksOf(text: string): readonly string[] {
  const bytes = Buffer.from(text)
  const chunks: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16)
    chunks.push(bytes.toString('utf8', end + 2, end + 2 + size))
    at = end + size + 4
  }
  return chunks
}

describe('HTTP/1.1 by hand', () => {
  const close = ['Connection: close']

  it('gives a plain answer byte for byte, with its length and the headers that a client may see', async () => {
    const [bare, governed] = await bothWays(
      () => answered,
      way => spoken(way, requestText(way, body, close)),
    )
    expect(headOf(governed)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    const shown = (answer: string) =>
      headOf(answer)
        .toLowerCase()
        .split('\r\n')
        .filter(line => /^(content-type|request-id|anthropic-)/.test(line))
        .sort()
    expect(shown(governed)).toEqual(shown(bare))
    expect(shown(governed)).toHaveLength(4)
    const whole = chunksOf(bodyOf(bare)).join('')
    expect(bodyOf(governed)).toBe(whole)
    expect(headOf(governed).toLowerCase()).toContain(`content-length: ${Buffer.byteLength(whole)}`)
  })

  it('gives a stream in chunked coding, byte for byte, to its last chunk', async () => {
    const [bare, governed] = await bothWays(
      () => answered,
      way => spoken(way, requestText(way, streamed, close)),
    )
    expect(headOf(governed).toLowerCase()).toContain('transfer-encoding: chunked')
    expect(headOf(governed).toLowerCase()).toContain('content-type: text/event-stream')
    const chunks = chunksOf(bodyOf(governed))
    expect(chunks.join('')).toBe(chunksOf(bodyOf(bare)).join(''))
    expect(chunks.at(-1)).toBe('')
    expect(chunks.slice(0, -1).every(chunk => chunk.endsWith('\n\n'))).toBe(true)
  })

  it('answers requests on one connection in turn, those that were written at once too', async () => {
    await start([script.text('one'), script.text('two'), script.text('three')])
    const all = [requestText(ours, body), requestText(ours, streamed), requestText(ours, body, close)].join('')
    const answer = await spoken(ours, all)
    expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
    expect(answer.match(/one|two|three/g)).toEqual(['one', 'two', 'three'])
    expect(server.requests).toHaveLength(3)
  })

  it('takes a body in chunked coding, one byte a chunk', async () => {
    await start(answered)
    const bytes = [...Buffer.from(body)].map(byte => `1\r\n${String.fromCharCode(byte)}\r\n`).join('')
    const head = requestText(ours, '', ['Transfer-Encoding: chunked', ...close]).replace(/Content-Length.*\r\n/, '')
    expect(await spoken(ours, `${head}${bytes}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200/)
    expect(JSON.parse(server.requests[0]!.bodyText)).toEqual(JSON.parse(body))
  })

  it('says 100 Continue to whoever waits for it', async () => {
    await start(answered)
    const [head, rest] = requestText(ours, body, ['Expect: 100-continue', ...close]).split('\r\n\r\n') as [string, string]
    const socket = connect(Number(new URL(ours.baseURL).port), '127.0.0.1')
    socket.write(`${head}\r\n\r\n`)
    const [first] = (await once(socket, 'data')) as [Buffer]
    expect(first.toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write(rest)
    let all = ''
    for await (const chunk of socket) all += chunk
    expect(all).toMatch(/^HTTP\/1\.1 200/)
    expect(server.requests[0]!.headers.expect).toBeUndefined()
  })

  it('ends a stream for HTTP/1.0 with the connection, uncoded', async () => {
    await start(answered)
    const answer = await spoken(ours, requestText(ours, streamed, [], '1.0'))
    expect(headOf(answer).toLowerCase()).not.toContain('transfer-encoding')
    expect(bodyOf(answer)).toMatch(/^event: message_start\n/)
    expect(bodyOf(answer)).toMatch(/\nevent: message_stop\ndata: .*\n\n$/)
  })
})

const curlIsHere = spawnSync('curl', ['--version']).status === 0
const python = 'python3'
const pythonIsHere = spawnSync(python, ['--version']).status === 0
const packageIsHere = pythonIsHere && spawnSync(python, ['-c', 'import anthropic']).status === 0

/** A test that needs a program: where it is missing, its name says so and it is skipped. */
function withProgram(there: boolean, what: string): (name: string, test: () => Promise<void>) => void {
  return (name, test) => (there ? it(name, test) : it.skip(`${name} (${what} is missing here)`, test))
}

function run(file: string, given: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, given, { env, maxBuffer: 2 ** 24 }, (error, stdout, stderr) =>
      error ? reject(new Error(stderr || error.message)) : resolve(stdout),
    )
    child.stdin?.end()
  })
}

const curl = ({ baseURL, token }: Way, content: string, more: readonly string[] = []) => [
  '-sS',
  '--noproxy',
  '*',
  ...more,
  `${baseURL}/v1/messages`,
  '-H',
  `x-api-key: ${token}`,
  '-H',
  'anthropic-version: 2023-06-01',
  '-H',
  'content-type: application/json',
  '-d',
  content,
]

describe('curl', () => {
  const test = withProgram(curlIsHere, 'curl')

  test('gets a plain answer byte for byte', async () => {
    const [bare, governed] = await bothWays(
      () => answered,
      way => run('curl', curl(way, body, ['-w', '\n%{http_code} %{content_type}'])),
    )
    expect(governed).toBe(bare)
    expect(governed).toMatch(/\n200 application\/json$/)
  })

  test('gets a stream byte for byte', async () => {
    const [bare, governed] = await bothWays(
      () => answered,
      way => run('curl', curl(way, streamed, ['-N'])),
    )
    expect(governed).toBe(bare)
    expect(governed).toContain('event: message_stop')
  })

  test('gets an error of the API byte for byte', async () => {
    const [bare, governed] = await bothWays(
      () => script.fail({ status: 429, headers: { 'retry-after': '7' } }),
      way => run('curl', curl(way, body, ['-w', '\n%{http_code} %header{retry-after}'])),
    )
    expect(governed).toBe(bare)
    expect(governed).toMatch(/\n429 7$|\n429 /)
  })

  test('shows a streamed event before the next one has come (-N)', async () => {
    const rest = gate()
    await start(script.gated(script.text('Two miles.'), { chunks: { 3: rest.opened } }))
    const child = spawn('curl', curl(ours, streamed, ['-N']))
    let shown = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      shown += chunk
      // What is behind the gate comes only once what is before it was shown.
      if (shown.includes('event: content_block_start')) rest.open()
    }
    expect(shown).toMatch(/event: message_stop\ndata: .*\n\n$/)
  })

  test('is told of a refusal in the shape of the API', async () => {
    await start(answered)
    ours.sidecar.pause('lunch')
    const [text, status] = (await run('curl', curl(ours, body, ['-w', '\n%{http_code}']))).split('\n')
    expect(status).toBe('409')
    expect(JSON.parse(text!)).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', details: { error_code: 'ERR_PAUSED' } },
    })
    expect(server.requests).toHaveLength(0)
  })
})

const urllib = `
import json, os, sys, urllib.error, urllib.request
def ask(stream):
    body = json.dumps({"model": "claude-haiku-4-5", "max_tokens": 64, "tools": [{"name": "distance", "input_schema": {"type": "object"}}], "stream": stream, "messages": [{"role": "user", "content": "How far is the reef? \\U0001F30A"}]})
    return urllib.request.Request(os.environ["BASE"] + "/v1/messages", data=body.encode(), method="POST",
        headers={"x-api-key": os.environ["TOKEN"], "anthropic-version": "2023-06-01", "content-type": "application/json"})
out = []
with urllib.request.urlopen(ask(False)) as answer:
    out.append([answer.status, answer.headers["request-id"], json.load(answer)])
with urllib.request.urlopen(ask(True)) as answer:
    out.append([answer.headers["content-type"], [line.decode() for line in answer]])
try:
    urllib.request.urlopen(ask(False))
except urllib.error.HTTPError as error:
    out.append([error.code, error.headers["retry-after"], json.load(error)])
print(json.dumps(out))
`

const package_ = `
import json, os, anthropic
client = anthropic.Anthropic(base_url=os.environ["BASE"], api_key=os.environ["TOKEN"], max_retries=0)
ask = {"model": "claude-haiku-4-5", "max_tokens": 64, "tools": [{"name": "distance", "input_schema": {"type": "object"}}], "messages": [{"role": "user", "content": "How far is the reef? \\U0001F30A"}]}
out = [client.messages.create(**ask).to_dict()]
with client.messages.stream(**ask) as stream:
    out.append(["".join(stream.text_stream), stream.get_final_message().to_dict()])
try:
    client.messages.create(**ask)
except anthropic.APIStatusError as error:
    out.append([type(error).__name__, error.status_code, error.body])
out.append(client.messages.count_tokens(model=ask["model"], messages=ask["messages"]).to_dict())
out.append([model.id for model in client.models.list()])
print(json.dumps(out))
`

describe('Python', () => {
  const answers = () => [answered, answered, script.fail({ status: 429, headers: { 'retry-after': '7' } })]
  const program = (source: string) => async (way: Way) =>
    JSON.parse(await run(python, ['-c', source], { ...process.env, BASE: way.baseURL, TOKEN: way.token, no_proxy: '*' }))

  withProgram(pythonIsHere, 'python3')('urllib gets answers, streams and errors as without us', async () => {
    const [bare, governed] = await bothWays(answers, program(urllib))
    expect(governed).toEqual(bare)
    expect(governed.map((part: unknown[]) => part[0])).toEqual([200, 'text/event-stream; charset=utf-8', 429])
    expect(server.requests).toHaveLength(3)
  })

  withProgram(packageIsHere, 'the anthropic package')('the anthropic package behaves as without us', async () => {
    const [bare, governed] = await bothWays(answers, program(package_))
    expect(governed).toEqual(bare)
    expect(governed).toMatchObject([
      { type: 'message' },
      ['Two miles. Mind the reef: 🌊\u2028"\\', {}],
      ['RateLimitError', 429, {}],
      {},
      {},
    ])
  })
})
