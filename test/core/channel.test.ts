import { Channel } from '../../lib/core/channel.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { failure, settled } from './rig.js'

function pipe(idleMs = 100) {
  const clock = new VirtualClock()
  const abandon = jest.fn()
  return { clock, abandon, channel: new Channel<number>({ clock, idleMs, abandon }) }
}

async function fill(channel: Channel<number>, count = 15): Promise<void> {
  for (let n = 0; n < count; n++) expect(channel.push(n)).toBeUndefined()
}

describe('Channel', () => {
  it('holds the source back at 16 waiting events, until one is taken', async () => {
    const { channel, clock } = pipe()
    await fill(channel)
    let room = false
    void Promise.resolve(channel.push(15)).then(() => {
      room = true
    })
    await settled()
    expect(room).toBe(false)
    expect(await channel.next()).toEqual({ done: false, value: 0 })
    await settled()
    expect(room).toBe(true)
    expect(clock.pending).toBe(0)
  })

  it('holds several sources back and lets each go on as there is room: none is forgotten', async () => {
    const { channel, clock, abandon } = pipe()
    await fill(channel)
    const through: number[] = []
    for (const source of [1, 2, 3]) void Promise.resolve(channel.push(100 + source)).then(() => through.push(source))
    const read: number[] = []
    for (let n = 0; n < 18; n++) {
      await clock.advance(60)
      read.push((await channel.next()).value!)
    }
    await clock.advance(1000)
    expect(read).toEqual([...Array.from({ length: 15 }, (_, n) => n), 101, 102, 103])
    expect(through).toEqual([1, 2, 3])
    expect(abandon).not.toHaveBeenCalled()
    expect(clock.pending).toBe(0)
  })

  it('gives a reader up that does not read for idleMs, and lets the source go', async () => {
    const { channel, clock, abandon } = pipe()
    await fill(channel)
    const room = Promise.resolve(channel.push(15))
    await clock.advance(99)
    expect(abandon).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(abandon).toHaveBeenCalledTimes(1)
    await room
    expect(channel.push(16)).toBeUndefined()
    expect(await channel.next()).toEqual({ done: true, value: undefined })
  })

  it('is patient with a reader that reads slowly', async () => {
    const { channel, clock, abandon } = pipe()
    await fill(channel)
    for (let n = 15; n < 30; n++) {
      void channel.push(n)
      await clock.advance(99)
      await channel.next()
    }
    expect(abandon).not.toHaveBeenCalled()
  })

  it('delivers an error after all events before it, once', async () => {
    const { channel } = pipe()
    void channel.push(1)
    const error = new Error('cut')
    channel.fail(error)
    expect(await channel.next()).toEqual({ done: false, value: 1 })
    expect(await failure(channel.next())).toBe(error)
    expect(await channel.next()).toMatchObject({ done: true })
  })

  it('wakes a reader that waits, and ends for good', async () => {
    const { channel } = pipe()
    const first = channel.next()
    void channel.push(1)
    expect(await first).toEqual({ done: false, value: 1 })
    const second = channel.next()
    channel.end()
    expect(await second).toMatchObject({ done: true })
    expect(await channel.next()).toMatchObject({ done: true })
  })

  it.each(['end', 'fail'] as const)('lets its sources go at its %s, without a timer; the reader still gets all', async how => {
    const { channel, clock, abandon } = pipe()
    await fill(channel)
    const waiting = Promise.all([channel.push(15), channel.push(16)])
    channel[how](new Error('cut'))
    await waiting
    expect(channel.push(17)).toBeUndefined()
    await clock.advance(1000)
    for (let n = 0; n < 17; n++) expect(await channel.next()).toEqual({ done: false, value: n })
    if (how === 'fail') expect((await failure(channel.next())).message).toBe('cut')
    expect((await channel.next()).done).toBe(true)
    expect([clock.pending, abandon.mock.calls.length]).toEqual([0, 0])
  })

  it('serves readers that wait at the same time in turn', async () => {
    const { channel } = pipe()
    const reads = Promise.all([channel.next(), channel.next(), channel.next()])
    channel.push(1)
    channel.push(2)
    channel.end()
    expect((await reads).map(({ value }) => value)).toEqual([1, 2, undefined])
  })

  it('drops without telling the source; leaves once', async () => {
    const { channel, abandon } = pipe()
    channel.drop()
    channel.leave()
    expect(abandon).not.toHaveBeenCalled()
    const other = pipe()
    other.channel.leave()
    other.channel.leave()
    expect(other.abandon).toHaveBeenCalledTimes(1)
  })
})
