import { httpUpstream, lost } from '../../lib/claude/http-upstream.js'
import { UpstreamError } from '../../lib/core/errors.js'
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
