import { MemoryLedgerStore, parseUsd, replay } from '../../lib/ledger/index.js'
import { testStore } from '../../lib/testing/test-store.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { runModel } from './model.js'

describe('MemoryLedgerStore', () => {
  describe('keeps the contract of a store', () => {
    it.each(testStore(() => new MemoryLedgerStore(), { concurrent: 10_000 }).map(({ name, run }) => [name, run] as const))('%s', (_, run) =>
      run(),
    )
  })

  it('agrees with the model after every random operation', async () => {
    const n = Number(process.env.OUTRIGGER_PROVE_N ?? 10_000)
    expect(await runModel({ n, seed: 1 })).toEqual({ tried: n, failed: 0, first: undefined })
  })

  it('has a model that notices: a store that forgets to hold disagrees at once', async () => {
    class Leaky extends MemoryLedgerStore {
      override settle(...[account, request]: Parameters<MemoryLedgerStore['settle']>) {
        return super.settle(account, { ...request, nanoUsd: Math.max(0, request.nanoUsd - 1) })
      }
    }
    expect(await runModel({ n: 2000, seed: 2, makeStore: () => new Leaky() })).toMatchObject({ first: expect.stringContaining('settle') })
  })

  it('adds a million times 0.0001 USD without drift', () => {
    const store = new MemoryLedgerStore({ keepHistory: 10 })
    const cost = { nanoUsd: parseUsd('0.0001'), tokens: 0 }
    store.openAccount({ id: 'a', nanoUsd: parseUsd('100'), tokens: 'unlimited' })
    for (let i = 0; i < 1_000_000; i++) {
      store.reserve({ id: 'a' }, { id: `${i}`, ...cost })
      store.settle({ id: 'a' }, { id: `${i}`, ...cost })
    }
    expect(store.read('a')?.nanoUsd).toMatchObject({ spent: 100_000_000_000, held: 0, remaining: 0 })
    expect(store.reserve({ id: 'a' }, { id: 'more', nanoUsd: 1, tokens: 0 })).toMatchObject({ ok: false, code: 'exceeds_remaining' })
  })

  it('refuses what would take the totals of an ancestor past what is exact', () => {
    const store = new MemoryLedgerStore()
    const most = Number.MAX_SAFE_INTEGER
    const open = (id: string, parent?: string) => store.openAccount({ id, parent, nanoUsd: 'unlimited', tokens: 'unlimited' })
    open('org')
    for (const id of ['a', 'b']) open(id, 'org')
    store.reserve({ id: 'a' }, { id: 'h', nanoUsd: most - 5, tokens: most - 5 })
    for (const amounts of [
      { nanoUsd: 6, tokens: 0 },
      { nanoUsd: 0, tokens: 6 },
    ])
      expect(store.reserve({ id: 'b' }, { id: 'more', ...amounts })).toMatchObject({ code: 'overflows_total' })
    expect(store.delegate({ id: 'b' }, { id: 'part', nanoUsd: 6 })).toMatchObject({ code: 'overflows_total' })
    expect(store.reserve({ id: 'b' }, { id: 'more', nanoUsd: 5, tokens: 5 })).toMatchObject({ ok: true })
    expect(store.settle({ id: 'b' }, { id: 'more', nanoUsd: 6, tokens: 5 })).toMatchObject({ code: 'overflows_total' })
    expect(store.read('org')?.nanoUsd).toMatchObject({ spent: 0, held: most })
  })

  it('never ends a hold by itself, and tells its age on the clock it was given', async () => {
    const clock = new VirtualClock()
    const store = new MemoryLedgerStore({ clock })
    store.openAccount({ id: 'a', nanoUsd: 10, tokens: 10 })
    store.reserve({ id: 'a' }, { id: 'h', nanoUsd: 10, tokens: 10 })
    const year = 365 * 24 * 3600 * 1000
    await clock.advance(year)
    expect(store.oldestHold()).toMatchObject({ hold: { id: 'h', state: 'held' }, ageMs: year })
    expect(store.read('a')?.nanoUsd.held).toBe(10)
  })

  describe('with a bounded past', () => {
    const pay = (store: MemoryLedgerStore, id: string) => {
      store.reserve({ id: 'a' }, { id, nanoUsd: 1, tokens: 0 })
      return store.settle({ id: 'a' }, { id, nanoUsd: 1, tokens: 0 })
    }

    it('drops the oldest entries and ended holds, and no total', () => {
      const store = new MemoryLedgerStore({ keepHistory: 4 })
      store.openAccount({ id: 'a', nanoUsd: 100, tokens: 'unlimited' })
      store.reserve({ id: 'a' }, { id: 'open', nanoUsd: 1, tokens: 0 })
      for (let i = 0; i < 50; i++) pay(store, `${i}`)
      const { entries, dropped } = store.history()
      expect([entries.map(entry => entry.seq), dropped]).toEqual([[99, 100, 101, 102], 98])
      expect(store.settle({ id: 'a' }, { id: '0', nanoUsd: 1, tokens: 0 })).toMatchObject({ code: 'hold_not_found' })
      expect(store.settle({ id: 'a' }, { id: '49', nanoUsd: 1, tokens: 0 })).toMatchObject({ repeated: true })
      expect(store.settle({ id: 'a' }, { id: 'open', nanoUsd: 1, tokens: 0 })).toMatchObject({ ok: true, repeated: false })
      expect(store.read('a')?.nanoUsd).toMatchObject({ spent: 51, held: 0 })
      expect(() => replay(entries)).toThrow(RangeError)
    })

    it('forgets ended accounts and changes too', () => {
      const store = new MemoryLedgerStore({ keepHistory: 2 })
      store.openAccount({ id: 'a', nanoUsd: 100, tokens: 'unlimited' })
      for (const id of ['b', 'c', 'd']) {
        store.delegate({ id: 'a' }, { id, nanoUsd: 10 })
        store.reserve({ id }, { id: `in ${id}`, nanoUsd: 10, tokens: 0 })
        store.adjust('a', { id: `change ${id}`, nanoUsd: 100 })
        store.returnDelegation({ id })
      }
      expect(store.accounts().map(({ id }) => id)).toEqual(['a', 'c', 'd'])
      expect(store.settle({ id: 'b' }, { id: 'in b', nanoUsd: 4, tokens: 0 })).toMatchObject({ ok: true })
      expect(store.read('a')?.nanoUsd).toMatchObject({ spent: 4, held: 20, delegated: 0 })
      expect(store.adjust('a', { id: 'change b', nanoUsd: 100 })).toMatchObject({ repeated: false })
    })

    it('keeps nothing when asked to', () => {
      const store = new MemoryLedgerStore({ keepHistory: 0 })
      store.openAccount({ id: 'a', nanoUsd: 100, tokens: 'unlimited' })
      pay(store, '1')
      expect(store.history()).toEqual({ entries: [], dropped: 3 })
      expect(() => new MemoryLedgerStore({ keepHistory: -1 })).toThrow(RangeError)
    })
  })
})
