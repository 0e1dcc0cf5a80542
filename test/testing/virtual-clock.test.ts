import fc from 'fast-check'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'

describe('VirtualClock', () => {
  it('starts at a fixed instant', () => {
    const clock = new VirtualClock()
    expect(new Date(clock.now()).toISOString()).toBe('2026-01-01T00:00:00.000Z')
    expect(clock.monotonic()).toBe(0)
  })

  it('fires timers in order, each at its own time, the earlier set first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 20 }), async delays => {
        const clock = new VirtualClock()
        const fired: [due: number, n: number, at: number][] = []
        delays.forEach((ms, n) => {
          clock.after(ms, () => fired.push([ms, n, clock.monotonic()]))
        })
        await clock.advance(50)
        const expected = delays.map((ms, n) => [ms, n, ms]).sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)
        expect(fired).toEqual(expected)
        expect(clock.pending).toBe(0)
      }),
      { numRuns: 50 },
    )
  })

  it('fires what is due and nothing later', async () => {
    const clock = new VirtualClock()
    const fired: number[] = []
    for (const ms of [10, 11]) clock.after(ms, () => fired.push(ms))
    await clock.advance(10)
    expect(fired).toEqual([10])
    expect([clock.pending, clock.monotonic(), clock.now()]).toEqual([1, 10, Date.UTC(2026, 0, 1) + 10])
  })

  it('lets promise chains run to their end between timers', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const chain = async (name: string) => {
      for (let n = 0; n < 50; n++) await Promise.resolve()
      log.push(name)
    }
    clock.after(1, () => void chain('first'))
    clock.after(2, () => log.push('second'))
    await clock.advance(2)
    expect(log).toEqual(['first', 'second'])
  })

  it('fires timers that timers and pending chains set on the way', async () => {
    const clock = new VirtualClock()
    const sleep = (ms: number) =>
      new Promise<void>(resolve => {
        clock.after(ms, resolve)
      })
    const at: number[] = []
    const work = async () => {
      for (let n = 0; n < 3; n++) {
        await sleep(10)
        at.push(clock.monotonic())
      }
    }
    void Promise.resolve().then(work)
    await clock.advance(25)
    expect(at).toEqual([10, 20])
    await clock.advance(5)
    expect(at).toEqual([10, 20, 30])
  })

  it('forgets a timer', async () => {
    const clock = new VirtualClock()
    const fired = jest.fn()
    const forget = clock.after(5, fired)
    forget()
    forget()
    expect(clock.pending).toBe(0)
    await clock.advance(10)
    expect(fired).not.toHaveBeenCalled()
  })

  it('runs until no timer is left', async () => {
    const clock = new VirtualClock()
    let left = 4
    const again = () => {
      if (--left > 0) clock.after(1_000, again)
    }
    clock.after(1_000, again)
    clock.after(Number.POSITIVE_INFINITY, () => {
      throw new Error('never')
    })
    await clock.run()
    expect([left, clock.monotonic(), clock.pending]).toEqual([0, 4_000, 1])
  })

  it('stops running a timer that never ends', async () => {
    const clock = new VirtualClock()
    const again = () => {
      clock.after(1, again)
    }
    again()
    await expect(clock.run({ maxTimers: 20 })).rejects.toThrow(RangeError)
  })

  it('moves wall time alone when it jumps', async () => {
    const clock = new VirtualClock()
    const fired = jest.fn()
    clock.after(100, fired)
    clock.jump(-3_600_000)
    expect(clock.now()).toBe(Date.UTC(2025, 11, 31, 23))
    await clock.advance(99)
    expect(fired).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(fired).toHaveBeenCalledTimes(1)
    expect(clock.monotonic()).toBe(100)
  })

  it('does overlapping advances one after the other, and goes on after a timer that throws', async () => {
    const clock = new VirtualClock()
    clock.after(5, () => {
      throw new Error('from a timer')
    })
    const [first, second] = await Promise.allSettled([clock.advance(10), clock.advance(20)])
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'from a timer' } })
    expect(second.status).toBe('fulfilled')
    expect(clock.monotonic()).toBe(25)
  })

  it('refuses to go back or nowhere', () => {
    const clock = new VirtualClock()
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => clock.advance(ms)).toThrow(RangeError)
    expect(() => clock.after(Number.NaN, () => undefined)).toThrow(RangeError)
    expect(() => clock.jump(Number.NaN)).toThrow(RangeError)
  })

  it('takes a negative delay as none', async () => {
    const clock = new VirtualClock()
    const fired = jest.fn()
    clock.after(-5, fired)
    await clock.advance(0)
    expect(fired).toHaveBeenCalledTimes(1)
    expect(clock.monotonic()).toBe(0)
  })
})
