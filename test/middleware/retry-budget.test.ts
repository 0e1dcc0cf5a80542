import fc from 'fast-check'
import { createRetryBudget } from 'outrigger/middleware'

describe('createRetryBudget', () => {
  it.each([
    ['an unknown option', { rate: 1 }, /unknown option "rate"/],
    ['a negative ratio', { ratio: -0.1 }, /ratio must be a number from 0, got -0.1/],
    ['NaN', { most: Number.NaN }, /most .* got NaN/],
    ['an endless refill', { minPerSecond: Number.POSITIVE_INFINITY }, /minPerSecond .* got Infinity/],
    ['text', { most: '100' }, /most .* got 100/],
  ])('refuses %s at once', (_, options, message) => {
    expect(() => createRetryBudget(options as never)).toThrow(message)
  })

  it('begins full, and each retry costs one', () => {
    const budget = createRetryBudget({ most: 2, ratio: 0, minPerSecond: 0 })
    expect([budget.withdraw(0), budget.withdraw(0), budget.withdraw(0)]).toEqual([true, true, false])
    expect(budget.balance).toBe(0)
  })

  it('earns a part of a retry with each first attempt', () => {
    const budget = createRetryBudget({ most: 1, ratio: 0.25, minPerSecond: 0 })
    budget.withdraw(0)
    for (let i = 0; i < 3; i++) budget.deposit(0)
    expect(budget.withdraw(0)).toBe(false)
    budget.deposit(0)
    expect(budget.withdraw(0)).toBe(true)
  })

  it('earns some with time alone, so that a quiet caller is not locked out', () => {
    const budget = createRetryBudget({ most: 1, ratio: 0, minPerSecond: 10 })
    budget.withdraw(1000)
    expect(budget.withdraw(1099)).toBe(false)
    expect(budget.withdraw(1100)).toBe(true)
  })

  it('saves no more than the most', () => {
    const budget = createRetryBudget({ most: 3 })
    budget.deposit(0)
    budget.deposit(1e9)
    expect(budget.balance).toBe(3)
  })

  it('lends nothing for a clock that goes back', () => {
    const budget = createRetryBudget({ most: 1, ratio: 0, minPerSecond: 1 })
    budget.withdraw(10_000)
    expect(budget.withdraw(5000)).toBe(false)
    expect(budget.withdraw(5999)).toBe(false)
  })

  it('never gives more than it had, earned and grew', () => {
    const step = fc.record({ ms: fc.nat(500), first: fc.boolean() })
    const settings = fc.record({
      most: fc.integer({ min: 0, max: 50 }),
      ratio: fc.double({ min: 0, max: 1, noNaN: true }),
      minPerSecond: fc.nat(20),
    })
    fc.assert(
      fc.property(settings, fc.array(step, { maxLength: 300 }), (options, steps) => {
        const budget = createRetryBudget(options)
        let now = 0
        let given = 0
        let firsts = 0
        for (const { ms, first } of steps) {
          now += ms
          if (first) {
            firsts++
            budget.deposit(now)
          } else if (budget.withdraw(now)) given++
          expect(budget.balance).toBeGreaterThanOrEqual(0)
          expect(budget.balance).toBeLessThanOrEqual(options.most)
        }
        expect(given).toBeLessThanOrEqual(options.most + options.ratio * firsts + (options.minPerSecond * now) / 1000 + 1e-6)
      }),
    )
  })
})
