import fc from 'fast-check'
import { SpanFold } from '../../lib/core/spans.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { agrees, spans } from './interval-model.js'

async function timeline(...steps: readonly [category: 'token' | 'tool' | 'throttle' | 'stopped' | 'idle', ms: number][]) {
  const clock = new VirtualClock()
  const fold = new SpanFold(clock)
  const wall = fold.open('wall')
  for (const [category, ms] of steps) {
    const close = category === 'idle' ? () => {} : fold.open(category)
    await clock.advance(ms)
    close()
  }
  wall()
  return { clock, fold, totals: fold.totals() }
}

describe('SpanFold', () => {
  it('equals a model that counts milliseconds one by one, at every instant', () => {
    fc.assert(fc.property(spans(14), agrees), { numRuns: 300, seed: 7 })
  })

  it('is the plain formula token ÷ (wall − throttle) when spans are sequential', async () => {
    const { totals } = await timeline(['token', 30], ['throttle', 50], ['tool', 15], ['idle', 5], ['token', 10])
    expect(totals).toEqual({ token: 40, tool: 15, throttle: 50, stopped: 0, wall: 110, busy: 55, net: 60 })
    expect(totals.token / totals.net).toBe(totals.token / (totals.wall - totals.throttle))
  })

  it('stays at 1 with one call in flight and one in back-off, where the naive formula gave 10', async () => {
    const clock = new VirtualClock()
    const fold = new SpanFold(clock)
    for (const name of ['wall', 'token', 'throttle'] as const) fold.open(name)
    await clock.advance(90)
    const { token, net } = fold.totals()
    expect(token / net).toBe(1)
  })

  it('counts spans in flight, and nothing outside the wall', async () => {
    const clock = new VirtualClock()
    const fold = new SpanFold(clock)
    fold.open('token')
    await clock.advance(100)
    expect(fold.totals()).toMatchObject({ token: 0, wall: 0, net: 0 })
    fold.open('wall')
    await clock.advance(5)
    expect(fold.totals()).toMatchObject({ token: 5, wall: 5, net: 5 })
  })

  it('closes a span once, however often its closer is called', async () => {
    const { fold, clock } = await timeline(['idle', 1])
    const [wall, one] = [fold.open('wall'), fold.open('token')]
    const two = fold.open('token')
    one()
    one()
    await clock.advance(10)
    expect(fold.totals().token).toBe(10)
    two()
    wall()
  })
})
