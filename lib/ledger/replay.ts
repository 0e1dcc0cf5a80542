import { MemoryLedgerStore } from './memory-store.js'
import type { AccountReading, AccountRef, Entry, EntryOp } from './types.js'

type Step = (store: MemoryLedgerStore, entry: Entry) => { readonly ok: boolean }

const refOf = ({ account }: Entry): AccountRef => ({ id: account })
const numberOf = (amount: Entry['nanoUsd']) => (typeof amount === 'number' ? amount : 0)
const partOf = (amount: Entry['nanoUsd']) => (typeof amount === 'number' ? amount : undefined)
const paid = ({ id, nanoUsd, tokens }: Entry) => ({ id, nanoUsd: numberOf(nanoUsd), tokens: numberOf(tokens) })

const steps: Record<EntryOp, Step> = {
  open: (store, { id, parent, nanoUsd = 'unlimited', tokens = 'unlimited' }) => store.openAccount({ id, parent, nanoUsd, tokens }),
  delegate: (store, { id, parent = '', nanoUsd, tokens }) =>
    store.delegate({ id: parent }, { id, nanoUsd: partOf(nanoUsd), tokens: partOf(tokens) }),
  fence: () => ({ ok: true }),
  adjust: (store, { account, id, nanoUsd, tokens }) => store.adjust(account, { id, nanoUsd, tokens }),
  return: (store, entry) => store.returnDelegation(refOf(entry)),
  reserve: (store, entry) => store.reserve(refOf(entry), { ...paid(entry), force: entry.forced }),
  settle: (store, entry) => store.settle(refOf(entry), paid(entry)),
  release: (store, entry) => store.release(refOf(entry), entry),
  unknown: (store, entry) => store.markUnknown(refOf(entry), entry),
  'reconcile.settle': (store, entry) => store.reconcile({ decision: 'settle', ...paid(entry) }),
  'reconcile.release': (store, entry) => store.reconcile({ decision: 'release', id: entry.id }),
}

/**
 * Works through a whole history again and returns the accounts as they then are: the same totals as the store that wrote it.
 * @throws RangeError at the first entry that does not follow from those before it: a history with a gap, or one that was changed.
 */
export function replay(entries: readonly Entry[]): readonly AccountReading[] {
  const store = new MemoryLedgerStore({ keepHistory: entries.length })
  entries.forEach((entry, index) => {
    if (entry.seq === index + 1 && steps[entry.op](store, entry).ok) return
    throw new RangeError(
      `entry ${entry.seq} (${entry.op}) does not follow from the history before it; replay all entries from 1, unchanged`,
    )
  })
  return store.accounts()
}
