import { type LedgerStore, MemoryLedgerStore } from '../../lib/ledger/index.js'

type Change = (memory: MemoryLedgerStore) => Partial<{ [K in keyof LedgerStore]: unknown }>

/** Resolves after whatever else has been asked for at once. */
const later = () => new Promise<void>(resolve => setImmediate(resolve))

/** A good store that answers later, but for what `change` replaces. */
function broken(change: Change = () => ({})): () => LedgerStore {
  return () => {
    const memory = new MemoryLedgerStore()
    const changed = change(memory) as Record<PropertyKey, unknown>
    return new Proxy(memory as LedgerStore, {
      get(target, name) {
        if (name === 'synchronous') return false
        const member = Object.hasOwn(changed, name) ? changed[name] : Reflect.get(target, name)
        return typeof member === 'function' ? async (...given: unknown[]) => member.apply(target, given) : member
      },
    })
  }
}

/** Reserves past whatever refused, unless it is one of these accounts. */
const heedsOnly = (heeded: (memory: MemoryLedgerStore, account: string, unit: string, short: string) => boolean): Change => {
  return memory => ({
    reserve(account: { id: string }, request: any) {
      const answer = memory.reserve(account, request)
      if (answer.ok || !answer.shortfall || heeded(memory, account.id, answer.shortfall.unit, answer.shortfall.account)) return answer
      return memory.reserve(account, { ...request, force: true })
    },
  })
}

const above = (memory: MemoryLedgerStore, id: string | undefined, levels: number): readonly (string | undefined)[] =>
  levels === 0 ? [id] : [id, ...above(memory, id === undefined ? undefined : memory.read(id)?.parent, levels - 1)]

/** Checks what is left, waits, then holds. */
const checksFirst = (unit: 'nanoUsd' | 'tokens', oneByOne: boolean): Change => {
  const turns = new Map<string, Promise<unknown>>()
  return memory => ({
    reserve(account: { id: string }, request: any) {
      const work = async () => {
        const room = memory.read(account.id)?.[unit].available ?? 0
        const fits = room === 'unlimited' || room >= request[unit]
        if (!fits || request[unit] === 0 || request.force || memory.holds().some(({ id }) => id === request.id))
          return memory.reserve(account, request)
        await later()
        return memory.reserve(account, { ...request, force: true })
      }
      if (!oneByOne) return work()
      const mine = (turns.get(account.id) ?? Promise.resolve()).then(work)
      turns.set(account.id, mine)
      return mine
    },
  })
}

/** A good store whose answers are promises. */
export const slowStore: () => LedgerStore = broken()

/** Stores with a fault that a database can have, and the case of the contract that finds it. */
export const brokenStores: readonly (readonly [fault: string, make: () => LedgerStore, found: string])[] = [
  [
    'locks the row of the account alone, not those above it',
    broken(checksFirst('nanoUsd', true)),
    'siblings at once share what the parent has: each is admitted only as far as it lasts',
  ],
  [
    'checks tokens before it holds them',
    broken(checksFirst('tokens', false)),
    'concurrent reservations of tokens admit exactly floor(cap / tokens)',
  ],
  [
    'checks a part before it sets it aside',
    broken(memory => ({
      async delegate(account: { id: string }, child: any) {
        const room = memory.read(account.id)?.nanoUsd.available ?? 0
        if (memory.read(child.id) || (room !== 'unlimited' && room < (child.nanoUsd ?? 0))) return memory.delegate(account, child)
        await later()
        const cap = memory.read(account.id)!.nanoUsd.allocated
        memory.adjust(account.id, { id: `${child.id} more`, nanoUsd: 'unlimited' })
        const answer = memory.delegate(account, child)
        memory.adjust(account.id, { id: `${child.id} back`, nanoUsd: cap })
        return answer
      },
    })),
    'delegations at once set aside no more than there is',
  ],
  [
    'ends a hold twice',
    broken(memory => ({
      async settle(account: { id: string }, request: any) {
        const open = memory.holds().some(({ id }) => id === request.id)
        await later()
        const answer = memory.settle(account, request)
        if (answer.ok || !open) return answer
        memory.reserve(account, { id: `${request.id} again`, nanoUsd: 0, tokens: 0 })
        return memory.settle(account, { ...request, id: `${request.id} again` })
      },
    })),
    'a settle and a release at once: exactly one of them ends the hold',
  ],
  [
    'checks a version before it changes the cap',
    broken(memory => ({
      async adjust(account: string, { version, ...request }: any) {
        if (version !== undefined && memory.read(account)?.version !== version) return memory.adjust(account, { version, ...request })
        await later()
        return memory.adjust(account, request)
      },
    })),
    'caps changed at once over one version: exactly one change is made',
  ],
  [
    'counts a repeated reconcile again',
    broken(memory => ({
      reconcile(request: any) {
        const answer = memory.reconcile(request)
        if (!answer.ok || !answer.repeated || request.decision !== 'settle') return answer
        const account = { id: answer.hold.account }
        memory.reserve(account, { id: `${request.id} again`, nanoUsd: 0, tokens: 0 })
        memory.settle(account, { ...request, id: `${request.id} again` })
        return answer
      },
    })),
    'reconciling again with the same figures counts once; with others it is refused',
  ],
  [
    'checks tokens at the account alone',
    broken(heedsOnly((_, account, unit, short) => unit === 'nanoUsd' || short === account)),
    'a cap in tokens of an ancestor bounds it, too',
  ],
  [
    'looks at three accounts of a tree, no more',
    broken(heedsOnly((memory, account, _, short) => above(memory, account, 2).includes(short))),
    'a tree of five levels counts and bounds at every one',
  ],
  [
    'clamps tokens to what was held',
    broken(memory => ({
      settle(account: { id: string }, request: any) {
        const hold = memory.holds().find(({ id }) => id === request.id)
        return memory.settle(account, { ...request, tokens: Math.min(request.tokens, hold?.reserved.tokens || request.tokens) })
      },
    })),
    'tokens above the hold are recorded in full and flagged',
  ],
]
