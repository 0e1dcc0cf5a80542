import Anthropic from '@anthropic-ai/sdk'
import { Stream } from '@anthropic-ai/sdk/streaming'
import fc from 'fast-check'
import { encodeSse, SseDecoder, type SseFrame } from '../../lib/claude/sse.js'

const decode = (...chunks: (Uint8Array | string)[]): SseFrame[] => {
  const decoder = new SseDecoder()
  return [...chunks.flatMap(chunk => decoder.push(chunk)), ...decoder.end()]
}

const rawOf = (frames: readonly SseFrame[]) => frames.map(frame => frame.raw).join('')

const cutAt = <T extends { slice(a: number, b?: number): T; length: number }>(whole: T, cuts: readonly number[]): T[] => {
  const borders = [0, ...cuts.map(cut => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length]
  return borders.slice(1).map((end, n) => whole.slice(borders[n]!, end))
}

const piece = fc.constantFrom(
  'event: x',
  'event:',
  'data: {"a":1}',
  'data:b',
  'data',
  ': comment',
  'id: 7',
  '\ufeff',
  '\ufeffdata: q',
  'data: é',
  'data: 😀',
  '\n',
  '\n',
  '\r\n',
  '\r',
  '\n\n',
  '\r\n\r\n',
  '\r\r',
)
const streams = fc.array(piece, { maxLength: 30 }).map(pieces => pieces.join(''))
const cuts = fc.array(fc.nat(400), { maxLength: 12 })

const sdkReads = async (text: string) => {
  const events: { event: string | null; data: string }[] = []
  for await (const { event, data } of Stream.rawEvents(new Response(text))) events.push({ event, data })
  return events
}

/** The frames are the text, but for a tail without its blank line. */
function expectWhole(text: string, frames: readonly SseFrame[]): void {
  const raw = rawOf(frames)
  expect(text.startsWith(raw)).toBe(true)
  expect(decode(text.slice(raw.length))).toEqual([])
}

describe('SseDecoder', () => {
  it('reads event, data and the exact text', () => {
    const text = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    expect(decode(text)).toEqual([{ event: 'message_stop', data: '{"type":"message_stop"}', raw: text }])
  })

  it('gives a frame as soon as its blank line is there', () => {
    const decoder = new SseDecoder()
    expect(decoder.push('event: a\ndata: 1\n')).toEqual([])
    expect(decoder.push('\nevent: b')).toEqual([{ event: 'a', data: '1', raw: 'event: a\ndata: 1\n\n' }])
    expect(decoder.push('\n\n')).toEqual([{ event: 'b', data: '', raw: 'event: b\n\n' }])
  })

  it('joins data lines and takes away one space only', () => {
    expect(decode('data:  a\ndata:b\ndata\n\n')[0]).toMatchObject({ event: null, data: ' a\nb\n' })
  })

  it.each(['\n', '\r\n', '\r'])('takes %j as a line end', end => {
    expect(decode(`event: a${end}data: 1${end}${end}event: b${end}${end}`).map(frame => frame.event)).toEqual(['a', 'b'])
  })

  it('gives comments and stray blank lines as frames that say nothing', () => {
    expect(decode(': keep-alive\n\n', '\n')).toEqual([
      { event: null, data: '', raw: ': keep-alive\n\n' },
      { event: null, data: '', raw: '\n' },
    ])
  })

  it('drops a cut tail: what is written after it would become a part of it', () => {
    expect(decode('event: a\ndata: 1\n\nevent: b\ndata: 2\n')).toEqual([{ event: 'a', data: '1', raw: 'event: a\ndata: 1\n\n' }])
  })

  it('puts characters together that were cut between bytes or surrogates', () => {
    const bytes = Buffer.from('data: 😀é\n\n')
    expect(decode(...[...bytes].map(byte => Uint8Array.of(byte)))[0]?.data).toBe('😀é')
    expect(decode('data: \ud83d', '\ude00\n\n')[0]?.data).toBe('😀')
  })

  it('gives half a surrogate pair as U+FFFD when bytes follow, or nothing does', () => {
    expect(rawOf(decode('a\ud83d', Uint8Array.of(98, 10, 10)))).toBe('a\ufffdb\n\n')
    expect(rawOf(decode('a\n\n\ud83d', '\n\n'))).toBe('a\n\n\ufffd\n\n')
  })

  it('reads on after bytes that are not UTF-8', () => {
    expect(decode(Uint8Array.of(0xff, 0xc3), 'x\n\n', 'event: a\n\n').map(frame => frame.raw)).toEqual([
      '\ufffd\ufffdx\n\n',
      'event: a\n\n',
    ])
  })

  it('gives the same frames however the text is cut', () => {
    fc.assert(
      fc.property(streams, cuts, (text, at) => {
        const whole = decode(text)
        expect(decode(...cutAt(text, at))).toEqual(whole)
        expect(decode(...cutAt(new Uint8Array(Buffer.from(text)), at))).toEqual(whole)
        expectWhole(text, whole)
      }),
      { numRuns: 500 },
    )
  })

  it('gives the same text for any text at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), cuts, (text, at) => {
        expectWhole(text, decode(...cutAt(text, at)))
      }),
    )
  })

  it('reads what the SDK reads', async () => {
    await fc.assert(
      fc.asyncProperty(streams, async text => {
        const ours = decode(text).map(({ event, data }) => ({ event, data }))
        const theirs = await sdkReads(text)
        const says = (frame: { event: string | null; data: string }) => frame.event || frame.data
        expect(ours.filter(says)).toEqual(theirs.filter(says))
      }),
      { numRuns: 2_000 },
    )
  })

  it('needs time in proportion to a line, in chunks of one byte', () => {
    const decoder = new SseDecoder()
    const byte = Uint8Array.of(97)
    const started = performance.now()
    for (let n = 0; n < 10_000_000; n++) decoder.push(byte)
    const [frame] = decoder.push('\n\n')
    expect(frame?.raw.length).toBe(10_000_002)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('holds no more than a frame', () => {
    const decoder = new SseDecoder({ maxFrameBytes: 16 })
    expect(decoder.push('data: 12345678\n\n')).toHaveLength(1)
    expect(() => decoder.push('data: 123456789\n\n')).toThrow(RangeError)
    expect(() => new SseDecoder({ maxFrameBytes: 16 }).push('x'.repeat(17))).toThrow('maxFrameBytes')
    expect(() => new SseDecoder({ maxFrameBytes: 16 }).push('é'.repeat(9))).toThrow(RangeError)
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a limit of %p', maxFrameBytes => {
    expect(() => new SseDecoder({ maxFrameBytes })).toThrow(RangeError)
  })
})

describe('encodeSse', () => {
  it('is read back by our decoder and by the SDK', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async value => {
        const text = encodeSse('message', value)
        const expected = { event: 'message', data: JSON.stringify(value) }
        expect(decode(text)).toEqual([{ ...expected, raw: text }])
        expect(await sdkReads(text)).toEqual([expected])
      }),
    )
  })

  it('refuses what would break the frame', () => {
    expect(() => encodeSse('a\nb', {})).toThrow(TypeError)
    expect(() => encodeSse('a', undefined)).toThrow(TypeError)
    expect(() => encodeSse('a', () => 0)).toThrow('JSON')
  })

  it('is the form that the SDK streams from', async () => {
    const stop = { type: 'message_stop' }
    const client = new Anthropic({ apiKey: 'k', maxRetries: 0, fetch: async () => new Response(encodeSse('message_stop', stop)) })
    const events: unknown[] = []
    for await (const event of await client.messages.create({ model: 'm', max_tokens: 1, messages: [], stream: true })) events.push(event)
    expect(events).toEqual([stop])
  })
})
