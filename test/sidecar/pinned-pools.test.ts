import { PinnedPools } from '../../lib/sidecar/pinned-pools.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'

describe('PinnedPools', () => {
  it('keeps one for each policy, origin and set of addresses', () => {
    const pools = new PinnedPools(new VirtualClock())
    const first = pools.to('p', 'http://a.example', ['10.0.0.1', '10.0.0.2'])
    expect(pools.to('p', 'http://a.example', ['10.0.0.2', '10.0.0.1'])).toBe(first)
    const others = [
      pools.to('q', 'http://a.example', ['10.0.0.1', '10.0.0.2']),
      pools.to('p', 'https://a.example', ['10.0.0.1', '10.0.0.2']),
      pools.to('p', 'http://a.example:8080', ['10.0.0.1', '10.0.0.2']),
      pools.to('p', 'http://a.example', ['10.0.0.1']),
    ]
    expect([new Set([first, ...others]).size, pools.size]).toEqual([5, 5])
  })

  it('gives up what nobody has asked for in a minute', async () => {
    const clock = new VirtualClock()
    const pools = new PinnedPools(clock)
    const first = pools.to('p', 'http://a.example', ['10.0.0.1'])
    pools.to('p', 'http://b.example', ['10.0.0.1'])
    await clock.advance(59_000)
    expect(pools.to('p', 'http://a.example', ['10.0.0.1'])).toBe(first)
    await clock.advance(2_000)
    pools.to('p', 'http://c.example', ['10.0.0.1'])
    expect(pools.size).toBe(2)
    expect(pools.to('p', 'http://a.example', ['10.0.0.1'])).toBe(first)
  })
})
