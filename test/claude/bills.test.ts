import { priceOf } from '../../lib/claude/prices.js'
import { usageOf } from '../../lib/claude/usage.js'
import { Fraction } from '../support/billing.js'
import { handBills } from './bills.js'

/** The sum as it is written, in nano-USD, exactly. */
function nanoUsdOf(sum: string): bigint {
  const terms = sum.split(' + ').map(term => {
    const fee = /^fee ([\d.]+)$/.exec(term)?.[1]
    if (fee !== undefined) return Fraction.of(fee).times(new Fraction(1_000_000_000n))
    const [, tokens, dollars] = /^(\d+) × ([\d.]+)$/.exec(term)!
    return Fraction.of(tokens!).times(Fraction.of(dollars!)).times(new Fraction(1_000n))
  })
  return terms.reduce((total, term) => total.plus(term), new Fraction(0n)).ceil()
}

describe('bills that were worked out by hand', () => {
  it('are forty', () => {
    expect(handBills).toHaveLength(40)
    expect(new Set(handBills.map(({ what }) => what)).size).toBe(40)
  })

  it.each(handBills)('$what ($model)', ({ model, usage, sum, nanoUsd }) => {
    expect(nanoUsdOf(sum)).toBe(BigInt(nanoUsd))
    const read = usageOf({ model, usage })
    expect([read.flags, read.tokens.certainty]).toEqual([[], 'measured'])
    expect(priceOf(read)).toBe(nanoUsd)
  })
})
