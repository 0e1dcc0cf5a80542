import fc from 'fast-check'
import { question, tokenOf, wire } from './two-agents.js'

/** A request that must come to nothing. */
export interface Malformed {
  readonly kind: string
  /** What is sent, in pieces of one write each. */
  readonly pieces: readonly Buffer[]
  /** What the client does after: waits for the end, says that it has sent all, or goes. */
  readonly after: 'waits' | 'ends' | 'goes'
}

type Bytes = string | Buffer

/** Every kind of request that is none, or that this port refuses, for the agent `a` of a port. None can turn out to be a good one. */
export function malformedRequests(at: URL): fc.Arbitrary<Malformed> {
  const host = `Host: ${at.host}`
  const mine = [host, `X-Api-Key: ${tokenOf('a')}`]
  const close = 'Connection: close'
  const good = wire(at, { headers: mine })
  const withHeaders = (...headers: string[]) => wire(at, { headers: [...mine, close, ...headers] })
  const chunked = (body: string) => wire(at, { headers: [...mine, close, 'Transfer-Encoding: chunked'], body })
  const withBody = (body: Buffer) =>
    Buffer.concat([Buffer.from(wire(at, { headers: [...mine, close, `Content-Length: ${body.length}`], body: '' })), body])

  const kinds: Readonly<Record<string, fc.Arbitrary<Bytes>>> = {
    method: word.map(method => good.replace('POST', method)),
    version: fc
      .constantFrom('HTTP/9.9', 'HTTP/1', 'HTTX/1.1', 'http/1.1', 'HTTP/2.0', 'HTTP/0.8', 'FTP/1.1')
      .map(version => good.replace('HTTP/1.1', version)),
    target: fc
      .constantFrom('', '*', 'v1/messages', 'http://a/v1/messages', at.href, '\u0000', 'a:1')
      .map(target => wire(at, { target, headers: [...mine, close] })),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }).map(bytes => Buffer.concat([Buffer.from([0x16]), Buffer.from(bytes)])),
    name: fc
      .tuple(word, fc.constantFrom(' ', '(', '\u0000', '"', '\u007f', '[', '/'), word)
      .map(([a, bad, b]) => withHeaders(`${a}${bad}${b}: 1`)),
    value: fc.tuple(word, fc.constantFrom('\u0000', '\u0001', '\r', '\u007f')).map(([a, bad]) => withHeaders(`x-app: ${a}${bad}${a}`)),
    colon: word.map(line => withHeaders(line)),
    length: fc
      .constantFrom('-1', '+5', '0x10', '1e3', '5, 6', '5 5', '99999999999999999999999', 'NaN', '1.5')
      .map(length => withHeaders(`Content-Length: ${length}`)),
    lengths: fc
      .tuple(fc.nat(99), fc.integer({ min: 100, max: 999 }))
      .map(([a, b]) => withHeaders(`Content-Length: ${a}`, `Content-Length: ${b}`)),
    both: fc
      .constantFrom('chunked', 'Chunked', 'identity', 'gzip, chunked')
      .map(coding => withHeaders('Content-Length: 3', `Transfer-Encoding: ${coding}`)),
    coding: fc
      .constantFrom('gzip', 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'xchunked', 'identity')
      .map(coding => withHeaders(`Transfer-Encoding: ${coding}`)),
    chunk: fc
      .constantFrom('xyz\r\n', '-5\r\n', '5\r\nabcdefgh\r\n', '\r\n', 'fffffffffffffffff\r\n', '5;\u0000\r\nabcde\r\n', '1\r\na0\r\n\r\n')
      .map(chunked),
    extension: fc.integer({ min: 20_000, max: 60_000 }).map(length => chunked(`5;${'x'.repeat(length)}\r\nabcde\r\n0\r\n\r\n`)),
    headers: fc.integer({ min: 70_000, max: 300_000 }).map(length => withHeaders(`x-app: ${'x'.repeat(length)}`)),
    many: fc.integer({ min: 15_000, max: 30_000 }).map(count => withHeaders(...Array.from({ length: count }, () => 'x: 1'))),
    json: fc.nat(question.length - 1).map(length => withBody(Buffer.from(question.slice(0, length)))),
    shape: fc
      .oneof(fc.constantFrom('null', '[]', '"x"', '5', '{}', '{"model":5}', '{"model":"m","messages":{}}'), fc.string())
      .map(text => withBody(Buffer.from(text))),
    utf8: fc.tuple(fc.nat(question.length), fc.constantFrom([0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82])).map(([place, bad]) => {
      const text = Buffer.from(question)
      return withBody(Buffer.concat([text.subarray(0, place), Buffer.from(bad), text.subarray(place)]))
    }),
    long: fc.integer({ min: 100_001, max: 300_000 }).map(length => withBody(Buffer.alloc(length, 0x78))),
    unclaimed: fc
      .integer({ min: 100_001, max: 300_000 })
      .map(length => chunked(`${length.toString(16)}\r\n${'x'.repeat(length)}\r\n0\r\n\r\n`)),
    host: fc
      .constantFrom('evil.example', 'localhost', '127.0.0.1', `evil.example:${at.port}`, '', `${at.host}.`, `${at.host}, ${at.host}`)
      .map(name => wire(at, { headers: [`Host: ${name}`, mine[1]!, close] })),
    token: fc
      .constantFrom(
        [],
        ['X-Api-Key: x'],
        [mine[1]!, mine[1]!],
        [mine[1]!, `Authorization: Bearer ${tokenOf('b')}`],
        [`Authorization: Basic ${tokenOf('a')}`],
      )
      .map(tokens => wire(at, { headers: [host, close, ...tokens] })),
    route: fc
      .constantFrom('/', '/v1/files', '/v1/messages/batches', '/v1/messages/', '//v1/messages', '/v1/snapshot', '/v1/%6dessages')
      .map(target => wire(at, { target, headers: [...mine, close] })),
    expect: word.map(what => withHeaders(`Expect: ${what}`)),
  }

  const told = fc.oneof(
    ...Object.entries(kinds).map(([kind, bytes]) =>
      bytes.map(sent => ({ kind, sent: Buffer.from(sent as string, 'latin1') as Buffer, after: 'waits' as const })),
    ),
  )
  const part = fc.nat(good.length - 1).map(length => Buffer.from(good.slice(0, length)))
  const cut = fc.record({ kind: fc.constant('cut'), sent: part, after: fc.constantFrom('ends' as const, 'goes' as const) })
  const slow = fc.record({ kind: fc.constant('slow'), sent: part, after: fc.constant('waits' as const) })
  return fc
    .tuple(fc.oneof({ weight: 8, arbitrary: told }, { weight: 1, arbitrary: cut }, { weight: 1, arbitrary: slow }), fc.nat(3))
    .map(([{ kind, sent, after }, cuts]) => ({ kind, after, pieces: inPieces(sent, cuts) }))
}

const word = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'), minLength: 1, maxLength: 12 })

function inPieces(bytes: Buffer, cuts: number): readonly Buffer[] {
  const size = Math.max(1, Math.ceil(bytes.length / (cuts + 1)))
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size))
}
