import { gzipSync } from 'node:zlib'
import { ask } from '../seam/mounts.js'
import { rawUpstream, type Said } from '../support/raw-upstream.js'
import { script } from '../support/script.js'
import { asked, errorOf, nothingLeft, plain, streamed, within } from './asked.js'
import type { TestCompanionOptions } from './companion.js'

const http = (body: string | Buffer, head: readonly string[] = [], status: string = '200 OK') => {
  const type = head.some(line => line.startsWith('content-type')) ? [] : ['content-type: application/json']
  const lines = [`HTTP/1.1 ${status}`, ...type, ...head]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)])
}

const message = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: ask.model,
  content: [{ type: 'text', text: 'Two miles.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 5 },
})

const events = script
  .text('Two miles.', { usage: { input_tokens: 10, output_tokens: 5 } })({
    n: 1,
    path: '',
    headers: {},
    bodyText: streamed,
    body: JSON.parse(streamed),
    usage: {},
  } as never)
  .chunks.join('')
const half = events.slice(0, events.indexOf('event: content_block_stop'))

const sse = (body: string | Buffer, head: readonly string[] = []) => http(body, ['content-type: text/event-stream', ...head])

/** Said, then the socket is reset once it has left. */
const thenReset =
  (text: string | Buffer): Said =>
  socket => {
    if (text.length === 0) socket.resetAndDestroy()
    else socket.write(text, () => setImmediate(() => socket.resetAndDestroy()))
  }

interface Fault {
  readonly up: Said
  readonly body: string
  readonly status: number
  /** Our code in the error; none where the client gets what the upstream said, or all is well. */
  readonly code?: string
  /** Was it paid for? `unknown`: only the provider knows, and the hold stays. */
  readonly paid: 'no' | 'estimated' | 'measured' | 'unknown'
  readonly options?: TestCompanionOptions
  /** The text of the answer, where it is not our error. */
  readonly text?: string
}

const whole = (head: readonly string[] = []) => http(message, [`content-length: ${message.length}`, ...head])
const page = '<html><body>Bad gateway</body></html>'
const longLine = `event: content_block_delta\ndata: ${JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x'.repeat(10 * 2 ** 20) } })}\n\n`
const withLongLine = events.replace('event: content_block_stop', `${longLine}event: content_block_stop`)
const cutGzip = (text: string) => gzipSync(text).subarray(0, -20)
const chunked = ['content-type: text/event-stream', 'transfer-encoding: chunked']
const refusal = JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message: 'no' } })
const gzip = ['content-encoding: gzip']

const faults: Readonly<Record<string, Fault>> = {
  'a reset before the head': { up: thenReset(''), body: plain, status: 502, code: 'ERR_UPSTREAM', paid: 'unknown' },
  'a reset before the head, streamed': { up: thenReset(''), body: streamed, status: 502, code: 'ERR_UPSTREAM', paid: 'unknown' },
  'an end before the head': { up: '', body: plain, status: 502, code: 'ERR_UPSTREAM', paid: 'unknown' },
  'a reset within the head': { up: thenReset('HTTP/1.1 200 O'), body: plain, status: 502, code: 'ERR_UPSTREAM', paid: 'unknown' },
  'an end within a chunk of a stream': {
    up: http(`fff\r\n${half}`, chunked),
    body: streamed,
    status: 200,
    code: 'ERR_UPSTREAM',
    paid: 'estimated',
  },
  'a reset within an answer': {
    up: thenReset(http(message.slice(0, 50), ['content-length: 500'])),
    body: plain,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
  },
  'no HTTP at all': { up: 'SSH-2.0-OpenSSH_9.2\r\n', body: plain, status: 502, code: 'ERR_UPSTREAM', paid: 'unknown' },
  'an answer of garbage': { up: http('{"id": "msg_\u0000<<<'), body: plain, status: 502, code: 'ERR_UPSTREAM', paid: 'unknown' },
  'a stream of garbage': { up: sse('<html>\n\ndata: {"type":\n\n'), body: streamed, status: 502, code: 'ERR_TRUNCATED', paid: 'estimated' },
  'an event of garbage': {
    up: sse(`${half}event: content_block_delta\ndata: {"type":\n\n`),
    body: streamed,
    status: 200,
    code: 'ERR_UPSTREAM',
    paid: 'estimated',
  },
  'half an event': {
    up: sse(`${half}event: content_block_delta\ndata: {"type":"content_`),
    body: streamed,
    status: 200,
    code: 'ERR_TRUNCATED',
    paid: 'estimated',
  },
  'no event': { up: sse(''), body: streamed, status: 502, code: 'ERR_TRUNCATED', paid: 'estimated' },
  'a line of 10 MB': { up: sse(withLongLine), body: streamed, status: 200, paid: 'measured', text: withLongLine },
  'a line of 10 MB, beyond maxMessageBytes': {
    up: sse(withLongLine),
    body: streamed,
    status: 200,
    code: 'ERR_UPSTREAM',
    paid: 'estimated',
    options: { claude: { maxMessageBytes: 2 ** 20 } },
  },
  'an answer of 10 MB, beyond maxMessageBytes': {
    up: http(message.replace('Two', 'x'.repeat(10 * 2 ** 20))),
    body: plain,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
    options: { claude: { maxMessageBytes: 2 ** 20 } },
  },
  'an answer in gzip that nobody asked for': {
    up: http(gzipSync(message), gzip),
    body: plain,
    status: 200,
    paid: 'measured',
    text: message,
  },
  'a stream in gzip that nobody asked for': {
    up: sse(gzipSync(events), gzip),
    body: streamed,
    status: 200,
    paid: 'measured',
    text: events,
  },
  'an error in gzip that nobody asked for': {
    up: http(gzipSync(refusal), gzip, '400 Bad Request'),
    body: plain,
    status: 400,
    paid: 'no',
    text: refusal,
  },
  'gzip cut short': { up: http(cutGzip(message), gzip), body: plain, status: 502, code: 'ERR_UPSTREAM', paid: 'unknown' },
  'a stream in gzip cut short': { up: sse(cutGzip(events), gzip), body: streamed, status: 200, code: 'ERR_UPSTREAM', paid: 'estimated' },
  'gzip that is none': { up: http(message, gzip), body: plain, status: 502, code: 'ERR_UPSTREAM', paid: 'unknown' },
  'a coding that is not known': {
    up: http(gzipSync(message), ['content-encoding: zstd']),
    body: plain,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
  },
  'a content-length that is too large': {
    up: http(message, [`content-length: ${message.length + 50}`]),
    body: plain,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
  },
  'a content-length that is too small': {
    up: http(message, ['content-length: 50']),
    body: plain,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
  },
  'a content-length that is too large, of a stream': {
    up: sse(events, [`content-length: ${events.length + 50}`]),
    body: streamed,
    status: 200,
    paid: 'measured',
    text: events,
  },
  'two lengths that differ': {
    up: http(message, ['content-length: 5', 'content-length: 6']),
    body: plain,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
  },
  'chunks that are none': {
    up: http('zz\r\n', ['transfer-encoding: chunked']),
    body: plain,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
  },
  'an end within the chunks, after message_stop': {
    up: http(`${Buffer.byteLength(events).toString(16)}\r\n${events}\r\n`, chunked),
    body: streamed,
    status: 200,
    paid: 'measured',
    text: events,
  },
  'an end within the blank line after message_stop': {
    up: sse(events.slice(0, -1)),
    body: streamed,
    status: 200,
    code: 'ERR_TRUNCATED',
    paid: 'measured',
  },
  '1xx before the answer': {
    up: Buffer.concat([Buffer.from('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'), whole()]),
    body: plain,
    status: 200,
    paid: 'measured',
    text: message,
  },
  'a 100 Continue that nobody waits for': {
    up: 'HTTP/1.1 100 Continue\r\n\r\n',
    body: plain,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
  },
  'another protocol instead': {
    up: 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    body: plain,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
  },
  'an error page': {
    up: http(page, ['content-type: text/html'], '502 Bad Gateway'),
    body: plain,
    status: 502,
    paid: 'unknown',
    text: page,
  },
  'an error page, streamed': {
    up: http(page, ['content-type: text/html'], '502 Bad Gateway'),
    body: streamed,
    status: 502,
    paid: 'unknown',
    text: page,
  },
  'a page as an answer': { up: http(page, ['content-type: text/html']), body: plain, status: 502, code: 'ERR_UPSTREAM', paid: 'unknown' },
  'a page as a stream': { up: http(page, ['content-type: text/html']), body: streamed, status: 502, code: 'ERR_UPSTREAM', paid: 'unknown' },
  'nothing at all, well said': {
    up: http('', ['content-length: 0'], '204 No Content'),
    body: plain,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
  },
  'a redirect': {
    up: http('', ['location: http://127.0.0.1:1/v1/messages', 'content-length: 0'], '307 Temporary Redirect'),
    body: plain,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
  },
  'a redirect, streamed': {
    up: http('', ['location: http://127.0.0.1:1/v1/messages', 'content-length: 0'], '302 Found'),
    body: streamed,
    status: 502,
    code: 'ERR_UPSTREAM',
    paid: 'unknown',
  },
}

const times = 3

describe('an upstream that fails', () => {
  it.each(Object.entries(faults))('%s', async (_, { up: said, body, status, code, paid, text, options = {} }) => {
    const up = await rawUpstream(said)
    await within(up, options, async (ours, clock) => {
      for (let n = 0; n < times; n++) {
        const told = await asked(ours, body)
        expect(told).toMatchObject({ status, broken: false })
        if (text !== undefined) expect(told.text).toBe(text)
        expect(errorOf(told)?.error.details?.error_code).toBe(code)
        if (status !== 200) expect(told.headers['x-should-retry']).toBe('false')
      }
      expect(up.requests).toHaveLength(times)
      expect(ours.holds.map(({ state }) => state)).toEqual(paid === 'unknown' ? Array(times).fill('unknown') : [])
      expect(ours.spent > 0).toBe(paid === 'estimated' || paid === 'measured')
      if (paid !== 'no') expect(ours.sidecar.tokenUsage.certainty).toBe(paid)
      await nothingLeft(ours, clock, up)
    })
  })

  it.each([plain, streamed])('says of a redirect that it is not followed', async body => {
    const up = await rawUpstream(http('', ['location: http://127.0.0.1:1/v1/messages', 'content-length: 0'], '307 Temporary Redirect'))
    await within(up, {}, async ours => {
      const { error } = errorOf(await asked(ours, body))
      expect(error.message).toContain('redirects are not followed; set the base URL')
      expect(error.details.upstream.code).toBe('REDIRECTED')
    })
  })

  it('that breaks off at any byte of a stream is an error, and is never paid less than its whole answer', async () => {
    const bill = 35_000
    const end = Buffer.byteLength(events) - 1
    let at = 1
    const up = await rawUpstream(socket => socket.end(http(`fff\r\n${events.slice(0, at)}`, chunked)))
    await within(up, {}, async (ours, clock) => {
      const wrong: unknown[] = []
      for (; at < end; at += 37) {
        const [before, held] = [ours.spent, ours.holds.length]
        const { error } = errorOf(await asked(ours, streamed)) ?? {}
        const paid = ours.spent - before
        if (error?.details?.error_code !== 'ERR_UPSTREAM' || (paid < bill && ours.holds.length === held)) wrong.push([at, error, paid])
      }
      expect(wrong).toEqual([])
      await nothingLeft(ours, clock, up)
    })
  })
})
