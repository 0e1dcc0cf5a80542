import type { Tap } from '../../lib/core/types.js'
import { LayerError, ViolationError } from '../../lib/core/errors.js'
import { failure, layer, rig, settled } from './rig.js'

const tapping = (name: string, tap: Tap, fail: 'open' | 'closed' = 'closed') =>
  layer(
    name,
    async (ctx, next) => {
      ctx.tap(tap)
      await next()
    },
    { fail },
  )

const fail = () => {
  throw new Error('bug')
}

async function read(layers: ReturnType<typeof layer>[], events: readonly unknown[] = ['a', 'b']) {
  const agent = {
    name: 'streamer',
    async *stream() {
      yield* events
    },
  }
  const { sidecar } = rig(layers, undefined, { agent } as never)
  const got: unknown[] = []
  const read = async () => {
    for await (const event of sidecar.stream('x')) got.push(event)
  }
  return {
    got,
    sidecar,
    error: await read().then(
      () => undefined,
      e => e,
    ),
  }
}

describe('taps', () => {
  it('pass events from the innermost to the outermost, 0 to n for each, asynchronous ones in order', async () => {
    const twice: Tap = {
      event: async (event, push) => {
        await settled()
        push(`${event}1`)
        push(`${event}2`)
      },
    }
    const mark: Tap = {
      event: (event, push) => {
        if (event !== 'a2') push(`(${event})`)
      },
    }
    expect((await read([tapping('outer', mark), tapping('inner', twice)])).got).toEqual(['(a1)', '(b1)', '(b2)'])
  })

  it('release what they hold at the end, through the taps outside them', async () => {
    const held: unknown[] = []
    const holding: Tap = { event: event => void held.push(event), end: push => held.forEach(push) }
    const mark: Tap = { event: (event, push) => push(`(${event})`), end: push => push('end') }
    expect((await read([tapping('outer', mark), tapping('inner', holding)])).got).toEqual(['(a)', '(b)', 'end'])
  })

  it.each<[string, Tap['event']]>([
    [
      'throws',
      () => {
        throw new Error('bug')
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('bug')
      },
    ],
    [
      'throws after a push',
      (_, push) => {
        push('half')
        throw new Error('bug')
      },
    ],
  ])('that are open and %s become a pass-through', async (_, event) => {
    const calls = jest.fn(event)
    const { got, sidecar, error } = await read([tapping('withTap', { event: calls }, 'open')])
    expect(error).toBeUndefined()
    expect(got).toEqual(['a', 'b'])
    expect(calls).toHaveBeenCalledTimes(1)
    expect(sidecar.snapshot().degraded).toEqual({ withTap: 'withTap failed: Error' })
  })

  it.each<[string, Tap, unknown[]]>([
    ['on an event, before it', { event: (event, push) => (event === 'b' ? fail() : push(event)) }, ['a', 'held', 'b', 'c']],
    ['on an event that it holds too, once', { event: (event, push) => (event === 'c' ? fail() : push(event)) }, ['a', 'b', 'held', 'c']],
    [
      'after a push, which stays',
      {
        event: (event, push) => {
          push(`(${event})`)
          if (event === 'b') fail()
        },
      },
      ['(a)', '(b)', 'held', 'b', 'c'],
    ],
    ['at the end', { event: (event, push) => push(event), end: fail }, ['a', 'b', 'c', 'held']],
  ])('that are open and fail let go of what they hold: %s', async (how, tap, expected) => {
    const release: Tap['release'] = push => (how.includes('too') ? ['held', 'c'] : ['held']).forEach(push)
    const { got, error } = await read([tapping('withTap', { ...tap, release }, 'open')], ['a', 'b', 'c'])
    expect(error).toBeUndefined()
    expect(got).toEqual(expected)
  })

  it('that are open and cannot let go are passed over all the same', async () => {
    expect((await read([tapping('withTap', { event: fail, release: fail }, 'open')])).got).toEqual(['a', 'b'])
  })

  it('that are closed and throw stop the stream, named; a verdict is the same object', async () => {
    const bug = new Error('bug')
    const failed = await read([
      tapping('withTap', {
        event: () => {
          throw bug
        },
      }),
    ])
    expect(failed.got).toEqual([])
    expect(failed.error).toBeInstanceOf(LayerError)
    expect(failed.error).toMatchObject({ layer: 'withTap', cause: bug, message: 'withTap failed on an event; see cause' })
    const verdict = new ViolationError({ ruleId: 'r' })
    expect(
      (
        await read([
          tapping(
            'withTap',
            {
              event: () => {
                throw verdict
              },
            },
            'open',
          ),
        ])
      ).error,
    ).toBe(verdict)
  })

  it('that are closed and throw at the end fail the stream after what went before', async () => {
    const { got, error } = await read([
      tapping('withTap', {
        end: () => {
          throw new Error('bug')
        },
      }),
    ])
    expect(got).toEqual(['a', 'b'])
    expect(error.layer).toBe('withTap')
  })

  it('see the events of a send that nobody streams', async () => {
    const seen: unknown[] = []
    const agent = {
      name: 'streamer',
      async *stream() {
        yield 1
        yield 2
        return 'reply'
      },
    }
    const { sidecar } = rig(
      [
        tapping('withTap', {
          event: (event, push) => {
            seen.push(event)
            push(event)
          },
        }),
      ],
      undefined,
      { agent } as never,
    )
    expect(await sidecar.send('x')).toBe('reply')
    expect(seen).toEqual([1, 2])
  })

  describe('that listen to the source', () => {
    const listening = (heard: unknown[]): Tap => ({
      waiting: on => void heard.push(on),
      arrived: event => void heard.push(event),
    })

    it('hear when it is waited for, and what comes, before any tap holds it back', async () => {
      const heard: unknown[] = []
      const holding: Tap = { event: () => {} }
      const { got } = await read([tapping('outer', listening(heard)), tapping('inner', holding)])
      expect([got, heard]).toEqual([[], [true, false, 'a', true, false, 'b', true, false]])
    })

    it.each(['waiting', 'arrived'] as const)(
      'and throw in %s: an open one hears no more and goes on as a tap, a closed one fails',
      async hook => {
        const other: Tap = { event: (event, push) => push(`(${event})`), [hook]: fail }
        const open = await read([tapping('listens', other, 'open')])
        expect([open.got, open.error]).toEqual([['(a)', '(b)'], undefined])
        expect(open.sidecar.snapshot().degraded).toEqual({ listens: expect.stringContaining('listens') })
        const closed = await read([tapping('listens', other)])
        expect(closed.error).toBeInstanceOf(LayerError)
      },
    )
  })

  it('stop the generator of the agent when they stop the stream', async () => {
    let cleaned = false
    const agent = {
      name: 'streamer',
      async *stream() {
        try {
          yield 1
          yield 2
        } finally {
          cleaned = true
        }
      },
    }
    const { sidecar } = rig(
      [
        tapping('withTap', {
          event: () => {
            throw new Error('bug')
          },
        }),
      ],
      undefined,
      { agent } as never,
    )
    await failure(sidecar.send('x'))
    await settled()
    expect(cleaned).toBe(true)
  })
})
