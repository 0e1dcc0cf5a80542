import { createSidecar } from '../../lib/sidecar.js'
import type { Base } from '../../lib/sidecar/types.js'
import type { ListenOptions } from '../../lib/claude/listen.js'
import { question, wire } from '../server/two-agents.js'
import { bareClient, gate, until } from '../seam/mounts.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { answersIn, rawClient } from '../support/raw-client.js'
import { type Scripted, script } from '../support/script.js'

let upstream: MessagesServer
let sidecar: Base
let at: URL
let token: string

async function start(options: ListenOptions = {}, answer: Scripted = script.text('hello')): Promise<void> {
  upstream = await startServer(answer)
  sidecar = createSidecar({
    agent: { name: 'probe', send: async (message: string) => message },
    use: [],
    claude: { apiKey: 'sk-ant-of-this-test', baseURL: upstream.url },
  }) as unknown as Base
  const listening = await sidecar.listen(options)
  at = new URL(listening.baseURL)
  token = listening.token
}

afterEach(async () => {
  await sidecar.close({ drainMs: 1 })
  await upstream.close()
})

const mine = () => [`Host: ${at.host}`, `X-Api-Key: ${token}`]
const told = async (bytes: string) => answersIn(await rawClient(at.href).send(bytes).closed())
const only = async (bytes: string) => (await told(bytes)).map(({ status }) => status)

describe('the port of listen()', () => {
  it.each<[string, number, () => string]>([
    ['no Host', 400, () => wire(at, { headers: [mine()[1]!, 'Connection: close'] })],
    ['another Host', 421, () => wire(at, { headers: ['Host: evil.example', mine()[1]!, 'Connection: close'] })],
    ['a whole URL', 400, () => wire(at, { target: at.href, headers: [...mine(), 'Connection: close'] })],
    [
      'length and chunked',
      400,
      () => wire(at, { headers: [...mine(), 'Content-Length: 3', 'Transfer-Encoding: chunked'], body: '0\r\n\r\n' }),
    ],
    ['the token twice', 401, () => wire(at, { headers: [...mine(), mine()[1]!, 'Connection: close'] })],
    ['too long a body', 413, () => wire(at, { headers: [...mine(), 'Connection: close'], body: 'x'.repeat(1_001) })],
    ['too long headers', 431, () => wire(at, { headers: [...mine(), `X-App: ${'x'.repeat(2_000)}`, 'Connection: close'] })],
    ['half a body', 408, () => wire(at, { headers: mine() }).slice(0, -1)],
    ['no HTTP', 400, () => 'hello\r\n\r\n'],
    ['CONNECT', 405, () => wire(at, { method: 'CONNECT', target: 'a:1', headers: mine(), body: '' })],
    [
      'HEAD of a path without the token',
      401,
      () => wire(at, { method: 'HEAD', target: '/v1/messages', headers: [`Host: ${at.host}`, 'Connection: close'], body: '' }),
    ],
  ])('refuses %s as a companion does: %i', async (_, status, bytes) => {
    await start({ maxBodyBytes: 1_000, maxHeaderBytes: 1_024, requestTimeoutMs: 300 })
    const text = await rawClient(at.href).send(bytes()).closed()
    expect(text.slice(0, 12)).toBe(`HTTP/1.1 ${status}`)
    expect(text).not.toContain(token)
    if (!bytes().startsWith('HEAD'))
      expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).toMatchObject({
        type: 'error',
        error: { details: { error_code: 'ERR_CONFIG' } },
      })
    expect(upstream.requests).toHaveLength(0)
  })

  it('takes a name that it is given', async () => {
    await start({ hosts: ['sidecar.internal'] })
    expect(await only(wire(at, { headers: ['Host: sidecar.internal', mine()[1]!, 'Connection: close'] }))).toEqual([200])
  })

  it('takes as many requests at once as it is told: one more gets 429', async () => {
    const { opened, open } = gate()
    await start({ maxOpenRequests: 1 }, asked => ({ ...script.text('hello')(asked), headGate: opened }))
    const first = only(wire(at, { headers: [...mine(), 'Connection: close'] }))
    await until(() => upstream.requests.length === 1, 'the request upstream')
    expect(await only(wire(at, { headers: [...mine(), 'Connection: close'] }))).toEqual([429])
    open()
    expect(await first).toEqual([200])
    expect(await only(wire(at, { headers: [...mine(), 'Connection: close'] }))).toEqual([200])
  })

  it('asks for a body that waits to be asked for', async () => {
    await start()
    const client = rawClient(at.href).send(
      wire(at, { headers: [...mine(), 'Connection: close', 'Expect: 100-continue', `Content-Length: ${question.length}`], body: '' }),
    )
    expect(await client.until(text => text.endsWith('\r\n\r\n'))).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    expect(answersIn((await client.send(question).closed()).slice(25))).toMatchObject([{ status: 200 }])
  })

  it('lets an answer flow out to a slow reader when its sidecar closes', async () => {
    await start({}, script.text('x'.repeat(8_000_000)))
    const client = rawClient(at.href)
    client.socket.pause()
    client.send(wire(at, { headers: mine() }))
    const ended = new Promise<void>(resolve => void sidecar.subscribe(({ type }) => type === 'action.ended' && resolve()))
    await ended
    const closing = sidecar.close()
    client.socket.resume()
    expect(answersIn(await client.closed())[0]!.body).toHaveLength(Number(answersIn(client.text)[0]!.headers['content-length']))
    await closing
  })

  it('serves the SDK by its token, and gives an answer in one piece its length', async () => {
    await start()
    const response = await bareClient(at.origin, { apiKey: token })
      .messages.create({ model: 'claude-haiku-4-5', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] })
      .asResponse()
    expect(Number(response.headers.get('content-length'))).toBe((await response.text()).length)
  })
})
