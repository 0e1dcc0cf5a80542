import { Events } from '../../lib/core/events.js'
import type { SidecarEvent } from '../../lib/core/types.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { settled, watchUnhandled } from './rig.js'

const make = () => new Events(new VirtualClock(), { id: 'a1' })
const state = (to: string) => ({ type: 'state' as const, from: 'x', to, reason: 'r' })
const tos = (list: SidecarEvent[]) => list.map(event => (event as { to?: string }).to)

describe('Events', () => {
  it('stamps events with agent and wall time, frozen', () => {
    const events = make()
    const heard: SidecarEvent[] = []
    events.subscribe(event => heard.push(event))
    events.publish({ ...state('y'), action: 'a1.1' })
    expect(heard).toEqual([{ at: Date.UTC(2026, 0, 1), agent: 'a1', action: 'a1.1', ...state('y') }])
    expect(Object.isFrozen(heard[0])).toBe(true)
  })

  it('does not hear again a listener that throws or rejects; the others hear all', async () => {
    const unhandled = watchUnhandled()
    const events = make()
    const heard: SidecarEvent[] = []
    const throwing = jest.fn(() => {
      throw new Error('listener')
    })
    const rejecting = jest.fn(async () => {
      throw new Error('listener')
    })
    events.subscribe(throwing)
    events.subscribe(rejecting as () => void)
    events.subscribe(event => heard.push(event))
    events.publish(state('1'))
    await settled()
    events.publish(state('2'))
    expect([throwing.mock.calls.length, rejecting.mock.calls.length, heard.length]).toEqual([1, 1, 2])
    await unhandled.stop()
    expect(unhandled.seen).toEqual([])
  })

  it('keeps one order for all, also when a listener publishes', () => {
    const events = make()
    const heard: SidecarEvent[] = []
    events.subscribe(event => {
      if ((event as { to?: string }).to === '1') events.publish(state('2'))
    })
    events.subscribe(event => heard.push(event))
    events.publish(state('1'))
    events.publish(state('3'))
    expect(tos(heard)).toEqual(['1', '2', '3'])
  })

  it('tells nothing more to a listener that another one stops while it hears', () => {
    const events = make()
    const listener = jest.fn()
    events.subscribe(() => stop())
    const stop = events.subscribe(listener)
    events.publish(state('1'))
    expect(listener).not.toHaveBeenCalled()
  })

  it('stops one subscription at a time, of one function too', () => {
    const events = make()
    const listener = jest.fn()
    const stop = events.subscribe(listener)
    events.subscribe(listener)
    stop()
    stop()
    events.publish(state('1'))
    expect(listener).toHaveBeenCalledTimes(1)
    expect(events.heard).toBe(true)
  })
})
