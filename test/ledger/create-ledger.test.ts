import { createLedger, MemoryLedgerStore } from '../../lib/ledger/index.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'

const usd = { id: 'a', nanoUsd: 1000, tokens: 'unlimited' } as const
const call = (id: string, nanoUsd: number) => ({ id, nanoUsd, tokens: 1 })

describe('createLedger', () => {
  it('refuses unknown options, and a store together with options of the memory store', () => {
    expect(() => createLedger({ stroe: 1 } as never)).toThrow(TypeError)
    expect(() => createLedger({ store: new MemoryLedgerStore(), clock: new VirtualClock() })).toThrow(TypeError)
    expect(() => createLedger({ keepHistory: 0.5 })).toThrow(RangeError)
  })

  it('shows the operator all accounts, the history, open holds and their age', async () => {
    const clock = new VirtualClock()
    const ledger = createLedger({ clock })
    const account = ledger.account(usd)
    account.reserve(call('h', 10))
    account.unknown({ id: 'h' })
    await clock.advance(5000)
    expect(ledger.durability).toBe('none')
    expect(ledger.accounts()).toMatchObject([{ id: 'a', nanoUsd: { held: 10 } }])
    expect(ledger.holds({ state: 'unknown' })).toMatchObject([{ id: 'h' }])
    expect(ledger.oldestHold()).toMatchObject({ ageMs: 5000 })
    expect(ledger.reconcile({ id: 'h', decision: 'release' })).toMatchObject({ ok: true })
    expect(ledger.history()).toMatchObject({ entries: [{ op: 'open' }, { op: 'reserve' }, { op: 'unknown' }, { op: 'reconcile.release' }] })
  })
})
