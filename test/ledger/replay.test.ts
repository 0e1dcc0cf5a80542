import { MemoryLedgerStore, replay } from '../../lib/ledger/index.js'

function busy(): MemoryLedgerStore {
  const store = new MemoryLedgerStore()
  store.openAccount({ id: 'a', nanoUsd: 100, tokens: 'unlimited' })
  store.delegate({ id: 'a' }, { id: 'b', nanoUsd: 60 })
  store.reserve({ id: 'b' }, { id: '1', nanoUsd: 70, tokens: 5, force: true })
  store.settle({ id: 'b' }, { id: '1', nanoUsd: 80, tokens: 9 })
  store.reserve({ id: 'a' }, { id: '2', nanoUsd: 3, tokens: 5 })
  store.markUnknown({ id: 'a' }, { id: '2' })
  store.returnDelegation({ id: 'b' })
  store.openAccount({ id: 'a', nanoUsd: 100, tokens: 'unlimited', fence: 1 })
  store.adjust('a', { id: 'c', tokens: 1000 })
  store.reconcile({ id: '2', decision: 'settle', nanoUsd: 2, tokens: 5 })
  return store
}

describe('replay', () => {
  it('gives the same totals', () => {
    const store = busy()
    const units = (readings: readonly { nanoUsd: unknown; tokens: unknown }[]) =>
      readings.map(({ nanoUsd, tokens }) => ({ nanoUsd, tokens }))
    expect(units(replay(store.history().entries))).toEqual(units(store.accounts()))
    expect(store.read('a')?.nanoUsd).toMatchObject({ spent: 82, remaining: 18 })
  })

  it('of nothing is nothing', () => expect(replay([])).toEqual([]))

  it('refuses a history with a gap, or one that was changed', () => {
    const { entries } = busy().history()
    expect(() => replay(entries.toSpliced(2, 1))).toThrow(/entry 4 \(settle\)/)
    expect(() => replay(entries.map(entry => (entry.op === 'delegate' ? { ...entry, nanoUsd: 500 } : entry)))).toThrow(
      /entry 2 \(delegate\)/,
    )
  })
})
