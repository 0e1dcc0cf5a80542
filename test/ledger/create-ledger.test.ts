import { createLedger, type LedgerStore, MemoryLedgerStore } from '../../lib/ledger/index.js'
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

  describe('lets the operator mark a hold that nobody will end', () => {
    const slow = (memory: MemoryLedgerStore) =>
      new Proxy(memory, {
        get(target, name) {
          if (name === 'synchronous') return false
          const member = Reflect.get(target, name) as unknown
          return typeof member === 'function' ? async (...given: unknown[]) => member.apply(target, given) : member
        },
      }) as LedgerStore

    it.each([
      ['at once', (memory: MemoryLedgerStore) => memory],
      ['later', slow],
    ])('in books that answer %s, whatever the fence of its account', async (_, made) => {
      const memory = new MemoryLedgerStore()
      const ledger = createLedger({ store: made(memory) })
      const account = ledger.account({ ...usd, fence: 3 })
      await account.reserve(call('h', 10))
      expect(await ledger.reconcile({ id: 'h', decision: 'release' })).toMatchObject({ code: 'hold_is_not_unknown' })
      expect(await ledger.markUnknown({ id: 'h' })).toMatchObject({ ok: true, repeated: false, hold: { state: 'unknown' } })
      expect(await ledger.markUnknown({ id: 'h' })).toMatchObject({ ok: true, repeated: true })
      expect(await ledger.reconcile({ id: 'h', decision: 'settle', nanoUsd: 4, tokens: 1 })).toMatchObject({ ok: true })
      expect(memory.read('a')?.nanoUsd).toMatchObject({ spent: 4, held: 0 })
    })

    it('but not one that is not open', () => {
      const ledger = createLedger()
      ledger.account(usd).reserve(call('h', 10))
      ledger.account(usd).release({ id: 'h' })
      for (const id of ['h', 'no such']) expect(ledger.markUnknown({ id })).toEqual({ ok: false, code: 'hold_not_found', account: '' })
    })
  })
})
