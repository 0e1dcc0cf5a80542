import { setImmediate } from 'node:timers/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { classify } from '../../lib/claude/failure.js'
import { httpUpstream, lost } from '../../lib/claude/http-upstream.js'
import { UpstreamError } from '../../lib/core/errors.js'
import { failure } from '../seam/mounts.js'
import { startServer } from '../support/messages-server.js'
import { script } from '../support/script.js'

const request = (url: string) => ({ method: 'POST', url: `${url}/v1/messages`, headers: { 'x-mine': 'a' }, body: '{"model":"m"}' })

async function text(body: AsyncIterable<Uint8Array | string>): Promise<string> {
  let all = ''
  for await (const chunk of body) all += Buffer.from(chunk as Uint8Array).toString()
  return all
}

describe('httpUpstream', () => {
  it('sends what it is given, asks for no compression, and gives the answer as it is', async () => {
    const server = await startServer(script.text('hello'))
    const reply = await httpUpstream(request(server.url), new AbortController().signal)
    expect(reply).toMatchObject({ status: 200, headers: { 'content-type': 'application/json', 'request-id': 'req_test_1' } })
    expect(JSON.parse(await text(reply.body))).toMatchObject({ content: [{ text: 'hello' }] })
    expect(server.requests[0]).toMatchObject({
      bodyText: '{"model":"m"}',
      headers: { 'x-mine': 'a', 'accept-encoding': 'identity', 'content-length': '13' },
    })
    await server.close()
  })

  it('rejects with plain facts when nobody listens', async () => {
    const server = await startServer(script.text('hello'))
    await server.close()
    const error = await httpUpstream(request(server.url), new AbortController().signal).catch(error => error)
    expect(error).toBeInstanceOf(UpstreamError)
    expect(error.upstream).toEqual({ code: 'ECONNREFUSED', syscall: 'connect' })
    expect(error.message).toContain('check claude.baseURL')
    expect(error.cause).toBeUndefined()
  })

  it('rejects likewise when the body breaks off', async () => {
    const server = await startServer(script.reset(3))
    const { body } = await httpUpstream(request(server.url), new AbortController().signal)
    await expect(text(body)).rejects.toMatchObject({ code: 'ERR_UPSTREAM', upstream: { code: expect.any(String) } })
    await server.close()
  })

  it('sends nothing when it is aborted before', async () => {
    const server = await startServer(script.text('hello'))
    await expect(httpUpstream(request(server.url), AbortSignal.abort())).rejects.toMatchObject({ upstream: { code: 'ABORTED' } })
    expect(server.requests).toHaveLength(0)
    await server.close()
  })
})

describe('lost', () => {
  it('keeps code and system call, of a cause or of the first of many', () => {
    const inner = Object.assign(new Error('a secret'), { code: 'ECONNRESET' })
    expect(lost(new TypeError('fetch failed', { cause: inner })).upstream).toEqual({ code: 'ECONNRESET' })
    expect(lost(new AggregateError([inner])).upstream).toEqual({ code: 'ECONNRESET' })
    expect(lost(Object.assign(new Error('x'), { code: 'EPIPE', syscall: 'write' })).upstream).toEqual({ code: 'EPIPE', syscall: 'write' })
    expect(lost(null).upstream).toEqual({ code: 'UNKNOWN' })
  })

  it('says nothing that an SDK would take for a reason to run the call again', () => {
    for (const code of ['ETIMEDOUT', 'UND_ERR_HEADERS_TIMEOUT', 'ESOCKETTIMEDOUT'])
      expect(lost({ code }).message).not.toMatch(/timed? ?out/i)
  })

  it('leaves an error of ours as it is', () => {
    const error = new UpstreamError('x', {})
    expect(lost(error)).toBe(error)
  })
})

describe('a connection of the pool', () => {
  /** A server of bare sockets: `plays[n]` gets the nth connection. */
  async function bare(plays: ((socket: Socket, n: number) => void)[]) {
    const seen: string[] = []
    const sockets: Socket[] = []
    const server = createTcpServer(socket => {
      const n = sockets.push(socket) - 1
      socket.on('error', () => {})
      socket.on(
        'data',
        chunk =>
          void seen.push(
            ...String(chunk)
              .split(/(?=POST )/)
              .filter(part => part.startsWith('POST ')),
          ),
      )
      plays[n]?.(socket, n)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const close = async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, sockets, close }
  }

  const good = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'
  const ask = async (url: string) => text((await httpUpstream(request(url), new AbortController().signal)).body)

  it('is used again, and a request on one that the server ends is not sent twice', async () => {
    const server = await bare([
      socket => {
        let asked = 0
        socket.on('data', () => (++asked === 1 ? socket.write(good) : socket.destroy()))
      },
      socket => socket.on('data', () => socket.write(good)),
    ])
    expect(await ask(server.url)).toBe('{}')
    // The connection is free again a turn after the answer.
    await setImmediate()
    const error = await failure(ask(server.url))
    expect(error).toBeInstanceOf(UpstreamError)
    expect(error.upstream.syscall).not.toBe('connect')
    expect(classify({ ...error.upstream })).toMatchObject({ retryable: true, billed: 'maybe' })
    expect([server.sockets.length, server.seen.length]).toEqual([1, 2])
    await server.close()
  })

  it('that the server has closed since is not used: the next request has one of its own', async () => {
    const server = await bare([
      socket => socket.once('data', () => socket.end(good)),
      socket => socket.on('data', () => socket.write(good)),
    ])
    expect(await ask(server.url)).toBe('{}')
    await once(server.sockets[0]!, 'close')
    expect(await ask(server.url)).toBe('{}')
    expect([server.sockets.length, server.seen.length]).toEqual([2, 2])
    await server.close()
  })

  it('that does not come to be has taken no request, whatever broke it: not billed', async () => {
    const server = await bare([socket => socket.once('data', () => socket.resetAndDestroy())])
    const error = await failure(ask(server.url.replace('http:', 'https:')))
    expect(error.upstream).toEqual({ code: 'ECONNRESET', syscall: 'connect' })
    expect(classify({ ...error.upstream })).toMatchObject({ class: 'connection', retryable: true, billed: 'no' })
    await server.close()
  })
})
