import fc from 'fast-check'
import { holdText, type HoldTextOptions } from '../../lib/core/hold-text.js'
import type { Middleware } from '../../lib/core/types.js'
import { flaw, streams, untils } from './held-stream.js'
import { failure, layer, rig } from './rig.js'

const delta = (text: string, index = 0) => ({ type: 'content_block_delta', index, delta: { type: 'text_delta', text } })
const stop = { type: 'content_block_stop', index: 0 }

/** Feeds events; gives what is released after each. */
async function steps(tap: ReturnType<typeof holdText>, events: readonly object[]): Promise<string[]> {
  const out: string[] = []
  for (const event of events) {
    let now = ''
    await tap.event!(event, e => {
      now += (e as any).delta?.text ?? `<${(e as any).type}>`
    })
    out.push(now)
  }
  return out
}

const refusing = (pattern: string) => ({
  judge: (text: string) => {
    if (text.includes(pattern)) throw new Error('refused')
  },
})
const pass = { judge: () => {} }

/** The text that a consumer sees through an open layer whose judge fails on call `n`. */
async function seenThrough(until: HoldTextOptions['until'], n: number, events: readonly object[]): Promise<string> {
  let calls = 0
  const judge = () => {
    if (++calls === n) throw new TypeError('out of order')
  }
  const tapped: Middleware = (ctx, next) => {
    ctx.tap(holdText({ until, judge }))
    return next()
  }
  const agent = {
    name: 'streamer',
    async *stream() {
      yield* events
    },
  }
  const { sidecar } = rig([layer('withText', tapped, { fail: 'open' })], undefined, { agent } as never)
  let text = ''
  for await (const event of sidecar.stream('x')) text += (event as any).delta?.text ?? `<${(event as any).type}>`
  return text
}

describe('holdText', () => {
  it('of an open layer whose judge fails releases every delta once, whenever it fails', async () => {
    const events = [delta('One. '), delta('Two'), delta('.'), stop, delta('Three', 1), delta('Four', 2), delta('.', 2)]
    for (const until of ['block', 'sentence', 3] as const)
      for (let n = 1; n < 7; n++) expect(await seenThrough(until, n, events)).toBe('One. Two.<content_block_stop>ThreeFour.')
  })

  it('releases nothing unjudged and changes neither order nor text, however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(streams, untils, async (events, until) => expect(await flaw(events, until)).toBeUndefined()),
      { numRuns: 200, seed: 11 },
    )
  })

  it('until a block is whole, flushes before content_block_stop, and lets pings go', async () => {
    expect(await steps(holdText({ until: 'block', ...pass }), [delta('a'), { type: 'ping' }, delta('b'), stop])).toEqual([
      '',
      '<ping>',
      '',
      'ab<content_block_stop>',
    ])
  })

  it('until a sentence ends', async () => {
    expect(await steps(holdText({ until: 'sentence', ...pass }), [delta('One.'), delta(' Tw'), delta('o!'), delta(' x'), stop])).toEqual([
      'One.',
      '',
      ' Two!',
      '',
      ' x<content_block_stop>',
    ])
  })

  it('until so many characters have followed', async () => {
    expect(await steps(holdText({ until: 3, ...pass }), [delta('ab'), delta('c'), delta('de'), delta('f'), stop])).toEqual([
      '',
      '',
      'ab',
      'c',
      'def<content_block_stop>',
    ])
  })

  it('sees a pattern that is cut anywhere, before its first character is released', async () => {
    for (let cut = 1; cut < 6; cut++) {
      const [released, seen] = [[] as unknown[], 'SECRET']
      const tap = holdText({ until: 6, ...refusing(seen) })
      const feed = async () => {
        for (const part of ['..........', seen.slice(0, cut), seen.slice(cut), '......', '......'])
          await tap.event!(delta(part), e => released.push((e as any).delta.text))
      }
      expect((await failure(feed())).message).toBe('refused')
      expect(released.join('')).not.toMatch(/S/)
    }
  })

  it('forgets what it holds of an attempt that failed when the next message starts', async () => {
    const tap = holdText({ until: 'block', ...pass })
    expect(await steps(tap, [delta('old'), { type: 'message_start' }, delta('new'), stop])).toEqual([
      '',
      '<message_start>',
      '',
      'new<content_block_stop>',
    ])
  })

  it('never mixes two blocks', async () => {
    const judged: [string, number][] = []
    const tap = holdText({ until: 'block', judge: (text, { index }) => void judged.push([text, index]) })
    expect(await steps(tap, [delta('a', 0), delta('b', 1), stop])).toEqual(['', 'a', 'b<content_block_stop>'])
    expect(judged).toEqual([
      ['a', 0],
      ['b', 1],
    ])
  })

  it('releases the rest at the end of the stream, judged', async () => {
    const tap = holdText({ until: 'block', ...pass })
    await steps(tap, [delta('rest')])
    const out: any[] = []
    await tap.end!(event => out.push(event))
    expect(out).toEqual([delta('rest')])
  })

  it.each([0, -1, 1.5, Number.NaN, 'word', undefined])('refuses until: %p', until => {
    expect(() => holdText({ until: until as never, ...pass })).toThrow(RangeError)
  })

  it('refuses a judge that is no function', () => {
    expect(() => holdText({ until: 'block' } as never)).toThrow(TypeError)
  })
})
