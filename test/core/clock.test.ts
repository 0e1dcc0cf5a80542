import { systemClock } from '../../lib/core/clock.js'

const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

describe('systemClock.after', () => {
  it('keeps the process alive only where somebody is awaited', () => {
    const before = timers()
    const forget = systemClock.after(60_000, () => {})
    expect(timers()).toBe(before)
    const forgetAwaited = systemClock.after(60_000, () => {}, { awaited: true })
    expect(timers()).toBe(before + 1)
    forget()
    forgetAwaited()
    expect(timers()).toBe(before)
  })

  it('takes more than a timer of Node can, up to for ever', () => {
    const called = jest.fn()
    for (const ms of [2 ** 31, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY]) {
      const forget = systemClock.after(ms, called)
      forget()
    }
    expect(called).not.toHaveBeenCalled()
  })
})
