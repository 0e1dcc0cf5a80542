import {
  type AccountRef,
  type HoldAnswer,
  type LedgerStore,
  MemoryLedgerStore,
  type ReserveRequest,
  type SettleRequest,
} from '../../lib/ledger/index.js'
import { testStore } from '../../lib/testing/test-store.js'
import { brokenStores, slowStore } from './broken-stores.js'

/** Clamps what a call cost to what was held. */
class Clamps extends MemoryLedgerStore {
  override settle(account: AccountRef, request: SettleRequest): HoldAnswer {
    const hold = this.holds().find(({ id }) => id === request.id)
    return super.settle(account, { ...request, nanoUsd: Math.min(request.nanoUsd, hold?.reserved.nanoUsd ?? request.nanoUsd) })
  }
}

/** Checks, waits, then holds: two reservations both pass. */
class Races extends MemoryLedgerStore {
  override reserve(account: AccountRef, request: ReserveRequest): HoldAnswer {
    const room = this.read(account.id)?.nanoUsd.available ?? 0
    const later = Promise.resolve().then(() =>
      super.reserve(account, { ...request, force: room === 'unlimited' || room >= request.nanoUsd }),
    )
    return later as unknown as HoldAnswer
  }
}

/** Takes every reservation for a new one. */
class Forgets extends MemoryLedgerStore {
  #n = 0
  override reserve(account: AccountRef, request: ReserveRequest): HoldAnswer {
    return super.reserve(account, { ...request, id: `${request.id}-${this.#n++}` })
  }
}

async function broken(make: () => LedgerStore): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of testStore(make, { concurrent: 20 })) await run().catch(() => failed.push(name))
  return failed
}

describe('testStore', () => {
  it('passes a good store, whether it answers at once or later', async () => {
    expect(await broken(() => new MemoryLedgerStore())).toEqual([])
    expect(await broken(slowStore)).toEqual([])
  })

  it.each([
    ['clamps an overrun', () => new Clamps(), 'a settle above the hold is recorded in full and flagged'],
    ['races', () => new Races(), 'concurrent reservations of a fixed cost admit exactly floor(cap / cost)'],
    ['forgets ids', () => new Forgets(), 'reserving again is the same hold'],
    ...brokenStores,
  ] as const)('fails a store that %s', async (_, make, name) => expect(await broken(make)).toContain(name))

  it('closes the store of each case', async () => {
    let open = 0
    class Counted extends MemoryLedgerStore {
      close(): void {
        open--
      }
    }
    await broken(() => {
      open++
      return new Counted()
    })
    expect(open).toBe(0)
  })
})
