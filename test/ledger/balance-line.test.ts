import fc from 'fast-check'
import { balanceLine, createLedger, parseUsd } from '../../lib/ledger/index.js'

const account = (nanoUsd: number | 'unlimited', tokens: number | 'unlimited') => createLedger().account({ id: 'task', nanoUsd, tokens })

describe('balanceLine', () => {
  it('says what is left, of what, and where the rest is', async () => {
    const task = account(parseUsd('1'), 50_000)
    expect(balanceLine(task)).toBe('Budget: $1.00 left of $1.00 ($0.00 spent); 50000 tokens left of 50000 tokens (0 tokens spent).')
    await task.reserve({ id: 'a', nanoUsd: parseUsd('0.20'), tokens: 9_000 })
    await task.settle({ id: 'a', nanoUsd: parseUsd('0.123456789'), tokens: 8_000 })
    await task.reserve({ id: 'b', nanoUsd: parseUsd('0.05'), tokens: 1_000 })
    task.delegate({ nanoUsd: parseUsd('0.30') }, { id: 'child' })
    expect(balanceLine(task)).toBe(
      'Budget: $0.5265 left of $1.00 ($0.1234 spent, $0.05 held for calls in flight, $0.30 set aside for others); 41000 tokens left of 50000 tokens (8000 tokens spent, 1000 tokens held for calls in flight).',
    )
  })

  it('says what an account above leaves, and where there is no cap', () => {
    const team = account(parseUsd('0.5'), 'unlimited')
    const shared = team.share({ id: 'shared' })
    expect(balanceLine(shared)).toBe('Budget: $0.50 left; tokens without a cap.')
    const capped = team.share({ id: 'capped' }, { nanoUsd: parseUsd('2') })
    expect(balanceLine(capped)).toBe('Budget: $0.50 left of $2.00 ($0.00 spent); tokens without a cap.')
  })

  it('never says less than nothing', async () => {
    const task = account(100, 'unlimited')
    await task.reserve({ id: 'a', nanoUsd: parseUsd('0.5'), tokens: 0, force: true })
    expect(balanceLine(task)).toMatch(/^Budget: \$0\.00 left of \$0\.00 /)
  })

  it('never says more than there is', () => {
    const figure = fc.nat({ max: 2 ** 45 })
    fc.assert(
      fc.property(figure, figure, figure, figure, (allocated, spent, held, delegated) => {
        const remaining = allocated - spent - held - delegated
        const amounts = { allocated, spent, held, delegated, remaining }
        const line = balanceLine({
          amounts: () => ({ nanoUsd: amounts, tokens: amounts }),
          available: () => ({ nanoUsd: Math.max(0, remaining), tokens: Math.max(0, remaining) }),
        })
        const [, usd, tokens] = /^Budget: \$([\d.]+) left .*; (\d+) tokens left/.exec(line)!
        expect(parseUsd(usd!)).toBeLessThanOrEqual(Math.max(0, remaining))
        expect(Math.max(0, remaining) - parseUsd(usd!)).toBeLessThan(100_000)
        expect(Number(tokens)).toBe(Math.max(0, remaining))
      }),
    )
  })
})
