import assert from 'node:assert/strict'
import type {
  AccountAnswer,
  AccountReading,
  Allocation,
  Awaitable,
  Hold,
  HoldAnswer,
  HoldDone,
  LedgerStore,
  RefusalCode,
  ReserveRequest,
  ReturnAnswer,
  UnitReading,
} from '../ledger/types.js'

/** One case of a contract suite: give it to any test runner. `run` rejects when the contract is broken. */
export interface ContractCase {
  readonly name: string
  run(): Promise<void>
}

/** Options of {@link testStore}. */
export interface TestStoreOptions {
  /** How many reservations the concurrency cases start at once. Default 1,000. */
  readonly concurrent?: number
}

type Check = (books: Books) => Promise<void>

/**
 * The contract of a ledger store as tests, for store authors: exactness, idempotency by id, named refusals, the tree, delegation,
 * caps changed in flight, fencing, history. `makeStore` gives a store with empty books for each case; the suite closes it.
 */
export function testStore(makeStore: () => Awaitable<LedgerStore>, { concurrent = 1000 }: TestStoreOptions = {}): readonly ContractCase[] {
  const all = { ...single, ...holds, ...invalid, ...tree, ...delegation, ...control, ...records, ...concurrency(concurrent) }
  return Object.entries(all).map(([name, check]) => ({ name, run: () => withStore(makeStore, check) }))
}

async function withStore(makeStore: () => Awaitable<LedgerStore>, check: Check): Promise<void> {
  const store = await makeStore()
  try {
    await check(new Books(store))
  } finally {
    await store.close?.()
  }
}

/** A store with short ways to say what a case does. */
class Books {
  readonly store: LedgerStore

  constructor(store: LedgerStore) {
    this.store = store
  }

  async open(id: string, nanoUsd: Allocation = 1000, parent?: string, tokens: Allocation = 'unlimited'): Promise<void> {
    done(await this.store.openAccount({ id, parent, nanoUsd, tokens }))
  }

  async delegate(parent: string, id: string, nanoUsd: number): Promise<AccountAnswer> {
    return this.store.delegate({ id: parent }, { id, nanoUsd })
  }

  async reserve(account: string, id: string, nanoUsd: number, more: Partial<ReserveRequest> = {}): Promise<HoldAnswer> {
    return this.store.reserve({ id: account }, { id, nanoUsd, tokens: 0, ...more })
  }

  async settle(account: string, id: string, nanoUsd: number, tokens = 0): Promise<HoldAnswer> {
    return this.store.settle({ id: account }, { id, nanoUsd, tokens })
  }

  async release(account: string, id: string): Promise<HoldAnswer> {
    return this.store.release({ id: account }, { id })
  }

  async unknown(account: string, id: string): Promise<HoldAnswer> {
    return this.store.markUnknown({ id: account }, { id })
  }

  async end(id: string): Promise<ReturnAnswer> {
    return this.store.returnDelegation({ id })
  }

  async read(id: string): Promise<AccountReading> {
    const reading = await this.store.read(id)
    assert.ok(reading, `account ${id} is not there`)
    return reading
  }

  async figures(id: string): Promise<Figures> {
    return figures((await this.read(id)).nanoUsd)
  }

  async pay(account: string, id: string, nanoUsd: number): Promise<void> {
    held(await this.reserve(account, id, nanoUsd))
    held(await this.settle(account, id, nanoUsd))
  }
}

type Figures = readonly [spent: number, held: number, delegated: number, remaining: Allocation]
const figures = ({ spent, held, delegated, remaining }: UnitReading): Figures => [spent, held, delegated, remaining]

function done<T extends { readonly ok: boolean }>(answer: T): Extract<T, { ok: true }> {
  assert.equal(answer.ok, true, `refused: ${JSON.stringify(answer)}`)
  return answer as Extract<T, { ok: true }>
}

function held(answer: HoldAnswer): HoldDone {
  const { repeated, hold } = done(answer)
  assert.equal(repeated, false)
  return { ok: true, repeated, hold }
}

function repeated(answer: { readonly ok: boolean; readonly repeated?: boolean; readonly hold?: Hold }): Hold | undefined {
  assert.equal(answer.ok, true)
  assert.equal(answer.repeated, true)
  return answer.hold
}

function refused(answer: AccountAnswer | HoldAnswer | ReturnAnswer, code: RefusalCode, account?: string): void {
  assert.equal(answer.ok, false, `expected ${code}`)
  if (answer.ok) return
  assert.equal(answer.code, code)
  if (account !== undefined) assert.equal(answer.account, account)
}

async function throws(work: () => Awaitable<unknown>, type: new (message: string) => Error): Promise<void> {
  await assert.rejects(async () => work(), type)
}

const single: Record<string, Check> = {
  'an account starts with all of its cap': async books => {
    await books.open('a', 1000, undefined, 50)
    const { nanoUsd, tokens, closed, version } = await books.read('a')
    assert.deepEqual([figures(nanoUsd), figures(tokens), closed, version], [[0, 0, 0, 1000], [0, 0, 0, 50], false, 0])
  },
  'a reservation counts at once, in both units': async books => {
    await books.open('a', 1000, undefined, 50)
    const { hold } = held(await books.reserve('a', 'h', 400, { tokens: 20 }))
    assert.deepEqual([hold.state, hold.reserved, hold.account], ['held', { nanoUsd: 400, tokens: 20 }, 'a'])
    const { nanoUsd, tokens } = await books.read('a')
    assert.deepEqual(
      [figures(nanoUsd), figures(tokens)],
      [
        [0, 400, 0, 600],
        [0, 20, 0, 30],
      ],
    )
  },
  'a settle below the hold gives the rest back': async books => {
    await books.open('a')
    await books.reserve('a', 'h', 400)
    const { hold } = held(await books.settle('a', 'h', 150))
    assert.deepEqual([hold.state, hold.actual, hold.overran], ['settled', { nanoUsd: 150, tokens: 0 }, false])
    assert.deepEqual(await books.figures('a'), [150, 0, 0, 850])
  },
  'a settle above the hold is recorded in full and flagged': async books => {
    await books.open('a')
    for (const [id, actual] of [
      ['by-one', 101],
      ['by-far', 10_000],
    ] as const) {
      await books.reserve('a', id, 100)
      assert.equal(held(await books.settle('a', id, actual)).hold.overran, true)
    }
    assert.deepEqual(await books.figures('a'), [10_101, 0, 0, -9101])
    refused(await books.reserve('a', 'next', 1), 'exceeds_remaining')
  },
  'a release gives all back': async books => {
    await books.open('a')
    await books.reserve('a', 'h', 400)
    assert.equal(held(await books.release('a', 'h')).hold.state, 'released')
    assert.deepEqual(await books.figures('a'), [0, 0, 0, 1000])
  },
  'what does not fit is refused with the facts and changes nothing': async books => {
    await books.open('a')
    await books.pay('a', 'p', 300)
    const answer = await books.reserve('a', 'h', 701)
    refused(answer, 'exceeds_remaining', 'a')
    assert.deepEqual(!answer.ok && answer.shortfall, {
      account: 'a',
      unit: 'nanoUsd',
      needed: 701,
      remaining: 700,
      allocated: 1000,
      spent: 300,
    })
    assert.deepEqual(await books.figures('a'), [300, 0, 0, 700])
    held(await books.reserve('a', 'h', 700))
  },
  'one unit short refuses both': async books => {
    await books.open('a', 1000, undefined, 50)
    const answer = await books.reserve('a', 'h', 1, { tokens: 51 })
    assert.equal(!answer.ok && answer.shortfall?.unit, 'tokens')
    assert.deepEqual(await books.figures('a'), [0, 0, 0, 1000])
  },
  'a cap of 0 is a budget of nothing': async books => {
    await books.open('a', 0)
    refused(await books.reserve('a', 'h', 1), 'exceeds_remaining')
    held(await books.reserve('a', 'free', 0))
  },
  'without a cap it still counts': async books => {
    await books.open('a', 'unlimited')
    await books.pay('a', 'h', 5)
    const { nanoUsd } = await books.read('a')
    assert.deepEqual([nanoUsd.allocated, nanoUsd.spent, nanoUsd.remaining, nanoUsd.available], ['unlimited', 5, 'unlimited', 'unlimited'])
  },
  'a forced reservation is recorded beyond the cap and says so': async books => {
    await books.open('a', 10)
    const answer = done(await books.reserve('a', 'h', 15, { force: true }))
    assert.deepEqual([answer.hold.forced, answer.exceeded?.remaining], [true, 10])
    assert.deepEqual(await books.figures('a'), [0, 15, 0, -5])
    assert.equal((await books.read('a')).nanoUsd.available, 0)
  },
  'a forced reservation that fits is an ordinary one': async books => {
    await books.open('a', 10)
    const answer = done(await books.reserve('a', 'h', 10, { force: true }))
    assert.deepEqual([answer.hold.forced, answer.exceeded], [false, undefined])
  },
  'totals never pass what is exact': async books => {
    await books.open('a', 'unlimited')
    held(await books.reserve('a', 'h', Number.MAX_SAFE_INTEGER))
    refused(await books.reserve('a', 'one', 1), 'overflows_total')
    refused(await books.reserve('a', 'one', 1, { force: true }), 'overflows_total')
    held(await books.settle('a', 'h', Number.MAX_SAFE_INTEGER - 1))
    held(await books.reserve('a', 'one', 1))
    refused(await books.settle('a', 'one', 2), 'overflows_total')
    held(await books.settle('a', 'one', 1))
  },
}

const holds: Record<string, Check> = {
  'opening again changes nothing; opening otherwise is refused': async books => {
    await books.open('a')
    await books.open('b')
    await books.pay('a', 'h', 5)
    const again = done(await books.store.openAccount({ id: 'a', nanoUsd: 1000, tokens: 'unlimited' }))
    assert.deepEqual([again.repeated, again.reading.nanoUsd.spent], [true, 5])
    refused(await books.store.openAccount({ id: 'a', nanoUsd: 2000, tokens: 'unlimited' }), 'exists_with_different_amount')
    refused(await books.store.openAccount({ id: 'a', nanoUsd: 1000, tokens: 'unlimited', parent: 'b' }), 'exists_with_different_parent')
    refused(await books.store.openAccount({ id: 'a', nanoUsd: 1000, tokens: 'unlimited', window: 'day:1' }), 'exists_with_different_window')
  },
  'a window is stored with its account': async books => {
    done(await books.store.openAccount({ id: 'a', nanoUsd: 1, tokens: 1, window: 'day:2026-01-31' }))
    assert.equal((await books.read('a')).window, 'day:2026-01-31')
  },
  'reserving again is the same hold': async books => {
    await books.open('a')
    await books.open('b')
    await books.reserve('a', 'h', 400)
    assert.equal(repeated(await books.reserve('a', 'h', 400))?.state, 'held')
    refused(await books.reserve('a', 'h', 401), 'exists_with_different_amount')
    refused(await books.reserve('a', 'h', 400, { tokens: 1 }), 'exists_with_different_amount')
    refused(await books.reserve('b', 'h', 400), 'exists_with_different_account')
    assert.deepEqual(await books.figures('a'), [0, 400, 0, 600])
    await books.settle('a', 'h', 400)
    assert.equal(repeated(await books.reserve('a', 'h', 400))?.state, 'settled')
    assert.deepEqual(await books.figures('a'), [400, 0, 0, 600])
  },
  'settling again returns the same record; with another amount it is refused': async books => {
    await books.open('a')
    await books.reserve('a', 'h', 400)
    const first = held(await books.settle('a', 'h', 150, 3)).hold
    assert.deepEqual(repeated(await books.settle('a', 'h', 150, 3)), first)
    refused(await books.settle('a', 'h', 151, 3), 'exists_with_different_amount')
    refused(await books.settle('a', 'h', 150, 4), 'exists_with_different_amount')
    assert.deepEqual(await books.figures('a'), [150, 0, 0, 850])
  },
  'releasing again is a no-op': async books => {
    await books.open('a')
    await books.reserve('a', 'h', 400)
    const { hold } = held(await books.release('a', 'h'))
    assert.deepEqual(repeated(await books.release('a', 'h')), hold)
  },
  'what has ended one way cannot end another way': async books => {
    await books.open('a')
    await books.pay('a', 'paid', 100)
    await books.reserve('a', 'void', 100)
    await books.release('a', 'void')
    refused(await books.release('a', 'paid'), 'already_settled')
    refused(await books.unknown('a', 'paid'), 'already_settled')
    refused(await books.settle('a', 'void', 100), 'already_released')
    refused(await books.unknown('a', 'void'), 'already_released')
    assert.deepEqual(await books.figures('a'), [100, 0, 0, 900])
  },
  'a hold that is not there is refused': async books => {
    await books.open('a')
    refused(await books.settle('a', 'h', 1), 'hold_not_found')
    refused(await books.release('a', 'h'), 'hold_not_found')
    refused(await books.unknown('a', 'h'), 'hold_not_found')
    refused(await books.store.reconcile({ id: 'h', decision: 'release' }), 'hold_not_found')
    assert.deepEqual(await books.figures('a'), [0, 0, 0, 1000])
  },
  "another account's hold is refused": async books => {
    await books.open('a')
    await books.open('b')
    await books.reserve('a', 'h', 100)
    refused(await books.settle('b', 'h', 100), 'exists_with_different_account')
    refused(await books.release('b', 'h'), 'exists_with_different_account')
    refused(await books.unknown('b', 'h'), 'exists_with_different_account')
    await books.settle('a', 'h', 100)
    refused(await books.settle('b', 'h', 100), 'exists_with_different_account')
  },
  'an account that is not there is refused': async books => {
    refused(await books.reserve('x', 'h', 1), 'account_not_found', 'x')
    refused(await books.end('x'), 'account_not_found', 'x')
    refused(await books.delegate('x', 'y', 1), 'parent_not_found', 'x')
    refused(await books.store.adjust('x', { id: '1', nanoUsd: 1 }), 'account_not_found', 'x')
    refused(await books.store.openAccount({ id: 'y', parent: 'x', nanoUsd: 1, tokens: 1 }), 'parent_not_found', 'x')
    assert.equal(await books.store.read('x'), undefined)
  },
  'an unknown hold counts in full until it is decided': async books => {
    await books.open('a')
    await books.reserve('a', 'h', 400)
    assert.equal(held(await books.unknown('a', 'h')).hold.state, 'unknown')
    repeated(await books.unknown('a', 'h'))
    refused(await books.release('a', 'h'), 'hold_is_unknown')
    assert.deepEqual(await books.figures('a'), [0, 400, 0, 600])
    const { hold } = held(await books.store.reconcile({ id: 'h', decision: 'settle', nanoUsd: 250, tokens: 0 }))
    assert.deepEqual([hold.state, hold.actual?.nanoUsd, hold.certainty], ['settled', 250, 'estimated'])
    assert.deepEqual(await books.figures('a'), [250, 0, 0, 750])
  },
  'reconciling again is a no-op, otherwise it is refused': async books => {
    await books.open('a')
    await books.reserve('a', 'h', 400)
    refused(await books.store.reconcile({ id: 'h', decision: 'release' }), 'hold_is_not_unknown')
    await books.unknown('a', 'h')
    assert.equal(held(await books.store.reconcile({ id: 'h', decision: 'release' })).hold.state, 'released')
    repeated(await books.store.reconcile({ id: 'h', decision: 'release' }))
    refused(await books.store.reconcile({ id: 'h', decision: 'settle', nanoUsd: 1, tokens: 0 }), 'already_released')
    assert.deepEqual(await books.figures('a'), [0, 0, 0, 1000])
  },
  'a late answer settles an unknown hold': async books => {
    await books.open('a')
    await books.reserve('a', 'h', 400)
    await books.unknown('a', 'h')
    assert.equal(held(await books.settle('a', 'h', 300)).hold.certainty, 'measured')
    assert.deepEqual(await books.figures('a'), [300, 0, 0, 700])
  },
  'answers are copies': async books => {
    await books.open('a')
    const { hold } = held(await books.reserve('a', 'h', 400))
    const before = await books.read('a')
    await books.settle('a', 'h', 100)
    assert.deepEqual([hold.state, hold.actual, before.nanoUsd.held], ['held', undefined, 400])
  },
}

const invalid: Record<string, Check> = {
  'amounts that are none throw at once and change nothing': async books => {
    await books.open('a')
    await books.reserve('a', 'open', 1)
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 53, '1', null, undefined] as number[]) {
      await throws(() => books.store.reserve({ id: 'a' }, { id: 'h', nanoUsd: bad, tokens: 0 }), RangeError)
      await throws(() => books.store.reserve({ id: 'a' }, { id: 'h', nanoUsd: 0, tokens: bad }), RangeError)
      await throws(() => books.store.settle({ id: 'a' }, { id: 'open', nanoUsd: bad, tokens: 0 }), RangeError)
      await throws(() => books.store.reconcile({ id: 'open', decision: 'settle', nanoUsd: bad, tokens: 0 }), RangeError)
    }
    assert.deepEqual(await books.figures('a'), [0, 1, 0, 999])
  },
  'caps that are none throw: nothing is unlimited by accident': async books => {
    await books.open('a')
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 53 + 1, '1', '', {}, null] as number[]) {
      await throws(() => books.store.openAccount({ id: 'x', nanoUsd: bad, tokens: 1 }), RangeError)
      await throws(() => books.store.openAccount({ id: 'x', nanoUsd: 1, tokens: bad }), RangeError)
      await throws(() => books.store.delegate({ id: 'a' }, { id: 'x', nanoUsd: bad }), RangeError)
      await throws(() => books.store.adjust('a', { id: 'x', nanoUsd: bad }), RangeError)
    }
    await throws(() => books.store.openAccount({ id: 'x', nanoUsd: undefined as never, tokens: 1 }), RangeError)
    await throws(() => books.store.delegate({ id: 'a' }, { id: 'x' }), RangeError)
    assert.equal(await books.store.read('x'), undefined)
  },
  'ids that are none throw': async books => {
    await books.open('a')
    for (const bad of ['', 1, undefined, 'x'.repeat(513)] as string[]) {
      await throws(() => books.store.openAccount({ id: bad, nanoUsd: 1, tokens: 1 }), TypeError)
      await throws(() => books.store.reserve({ id: 'a' }, { id: bad, nanoUsd: 1, tokens: 1 }), TypeError)
      await throws(() => books.store.settle({ id: 'a' }, { id: bad, nanoUsd: 1, tokens: 1 }), TypeError)
      await throws(() => books.store.release({ id: 'a' }, { id: bad }), TypeError)
    }
  },
}

const tree: Record<string, Check> = {
  'a child counts at every ancestor': async books => {
    await books.open('org')
    await books.open('project', 600, 'org')
    await books.open('agent', 'unlimited', 'project')
    await books.pay('agent', 'p', 100)
    await books.reserve('agent', 'h', 50)
    for (const [id, left] of [
      ['org', 850],
      ['project', 450],
      ['agent', 'unlimited'],
    ] as const) {
      assert.deepEqual(await books.figures(id), [100, 50, 0, left])
    }
    assert.equal((await books.read('agent')).nanoUsd.available, 450)
  },
  'every ancestor bounds it, in one step': async books => {
    await books.open('org', 100)
    await books.open('project', 600, 'org')
    await books.open('agent', 500, 'project')
    refused(await books.reserve('agent', 'h', 101), 'exceeds_remaining', 'org')
    for (const id of ['org', 'project', 'agent']) assert.equal((await books.figures(id))[1], 0)
    held(await books.reserve('agent', 'h', 100))
  },
  'siblings share what the parent has': async books => {
    await books.open('org', 100)
    await books.open('a', 80, 'org')
    await books.open('b', 80, 'org')
    held(await books.reserve('a', '1', 80))
    refused(await books.reserve('b', '2', 21), 'exceeds_remaining', 'org')
    held(await books.reserve('b', '2', 20))
  },
}

const delegation: Record<string, Check> = {
  'a part is set aside at the parent': async books => {
    await books.open('a')
    const { reading } = done(await books.delegate('a', 'b', 300))
    assert.deepEqual([figures(reading.nanoUsd), reading.nanoUsd.source, reading.tokens.source], [[0, 0, 0, 300], 'delegated', 'shared'])
    await books.pay('b', 'p', 100)
    await books.reserve('b', 'h', 50)
    assert.deepEqual(await books.figures('a'), [0, 0, 300, 700])
    assert.deepEqual(await books.figures('b'), [100, 50, 0, 150])
    refused(await books.reserve('b', 'more', 151), 'exceeds_remaining', 'b')
    refused(await books.reserve('a', 'more', 701), 'exceeds_remaining', 'a')
  },
  'only what the parent has can be delegated': async books => {
    await books.open('org', 100)
    await books.open('a', 'unlimited', 'org')
    refused(await books.delegate('a', 'b', 101), 'exceeds_remaining', 'org')
    assert.equal(await books.store.read('b'), undefined)
    done(await books.delegate('a', 'b', 60))
    assert.deepEqual(await books.figures('org'), [0, 0, 60, 40])
    refused(await books.delegate('a', 'c', 41), 'exceeds_remaining', 'org')
  },
  'delegating again changes nothing; otherwise it is refused': async books => {
    await books.open('a')
    await books.delegate('a', 'b', 300)
    repeated(await books.delegate('a', 'b', 300))
    refused(await books.delegate('a', 'b', 301), 'exists_with_different_amount')
    refused(await books.store.openAccount({ id: 'b', parent: 'a', nanoUsd: 300, tokens: 'unlimited' }), 'exists_with_different_flags')
    assert.deepEqual(await books.figures('a'), [0, 0, 300, 700])
  },
  'what is left returns when the child ends, and its spend moves': async books => {
    await books.open('a')
    await books.delegate('a', 'b', 300)
    await books.pay('b', 'p', 120)
    const { returned, reading } = done(await books.end('b'))
    assert.deepEqual([returned, reading.closed], [{ nanoUsd: 180, tokens: 0 }, true])
    assert.deepEqual(await books.figures('a'), [120, 0, 0, 880])
    const again = done(await books.end('b'))
    assert.deepEqual([again.repeated, again.returned], [true, { nanoUsd: 180, tokens: 0 }])
    assert.deepEqual(await books.figures('a'), [120, 0, 0, 880])
  },
  'calls in flight at the end of a child settle at the parent': async books => {
    await books.open('a')
    await books.delegate('a', 'b', 300)
    await books.reserve('b', 'one', 100)
    await books.reserve('b', 'two', 50)
    assert.deepEqual(done(await books.end('b')).returned.nanoUsd, 150)
    assert.deepEqual(await books.figures('a'), [0, 150, 0, 850])
    held(await books.settle('b', 'one', 70))
    held(await books.release('b', 'two'))
    assert.deepEqual(await books.figures('a'), [70, 0, 0, 930])
    assert.deepEqual(await books.figures('b'), [70, 0, 0, 0])
  },
  'an ended account admits nothing, nor does anything below it': async books => {
    await books.open('a')
    await books.delegate('a', 'b', 300)
    await books.delegate('b', 'c', 100)
    await books.end('b')
    refused(await books.reserve('b', 'h', 1), 'account_closed', 'b')
    refused(await books.reserve('c', 'h', 1), 'account_closed', 'b')
    refused(await books.delegate('b', 'd', 1), 'account_closed', 'b')
    refused(await books.store.openAccount({ id: 'd', parent: 'c', nanoUsd: 1, tokens: 1 }), 'account_closed', 'b')
    for (const id of ['b', 'c']) refused(await books.store.adjust(id, { id: '1', nanoUsd: 500 }), 'account_closed', 'b')
    assert.deepEqual(await books.figures('a'), [0, 0, 100, 900])
    await books.end('c')
    assert.deepEqual(await books.figures('a'), [0, 0, 0, 1000])
  },
  'grandchildren balance to the nano-USD': async books => {
    await books.open('a')
    await books.delegate('a', 'b', 500)
    await books.open('shared', 'unlimited', 'b')
    await books.delegate('shared', 'c', 200)
    await books.pay('c', '1', 17)
    await books.pay('shared', '2', 31)
    assert.deepEqual(
      [await books.figures('a'), await books.figures('b')],
      [
        [0, 0, 500, 500],
        [31, 0, 200, 269],
      ],
    )
    await books.end('c')
    assert.deepEqual(await books.figures('b'), [48, 0, 0, 452])
    await books.end('b')
    assert.deepEqual(await books.figures('a'), [48, 0, 0, 952])
  },
  'an overrun in a delegated part is seen by every ancestor at once': async books => {
    await books.open('a', 100)
    await books.delegate('a', 'b', 60)
    await books.reserve('b', 'h', 60)
    await books.settle('b', 'h', 90)
    assert.deepEqual(
      [await books.figures('b'), await books.figures('a')],
      [
        [90, 0, 0, -30],
        [0, 0, 90, 10],
      ],
    )
    refused(await books.reserve('a', 'more', 11), 'exceeds_remaining', 'a')
    await books.end('b')
    assert.deepEqual(await books.figures('a'), [90, 0, 0, 10])
  },
  'an ancestor over its cap stops the delegated parts below it': async books => {
    await books.open('a', 100)
    await books.delegate('a', 'b', 60)
    done(await books.store.adjust('a', { id: '1', nanoUsd: 59 }))
    refused(await books.reserve('b', 'h', 1), 'exceeds_remaining', 'a')
    assert.equal((await books.read('b')).nanoUsd.available, 0)
    done(await books.store.adjust('a', { id: '2', nanoUsd: 60 }))
    held(await books.reserve('b', 'h', 60))
  },
}

const control: Record<string, Check> = {
  'a cap lowered below what is committed stops new calls; those in flight settle': async books => {
    await books.open('a')
    await books.pay('a', 'p', 300)
    await books.reserve('a', 'h', 400)
    const { reading } = done(await books.store.adjust('a', { id: 'c', nanoUsd: 500 }))
    assert.deepEqual([figures(reading.nanoUsd), reading.version], [[300, 400, 0, -200], 1])
    refused(await books.reserve('a', 'next', 1), 'exceeds_remaining')
    held(await books.settle('a', 'h', 350))
    assert.deepEqual(await books.figures('a'), [650, 0, 0, -150])
  },
  'a change is made once, and not over an unseen one': async books => {
    await books.open('a')
    done(await books.store.adjust('a', { id: 'one', nanoUsd: 2000, version: 0 }))
    repeated(await books.store.adjust('a', { id: 'one', nanoUsd: 2000, version: 0 }))
    refused(await books.store.adjust('a', { id: 'one', nanoUsd: 3000 }), 'exists_with_different_amount')
    refused(await books.store.adjust('a', { id: 'two', nanoUsd: 3000, version: 0 }), 'version_mismatch')
    done(await books.store.adjust('a', { id: 'three', tokens: 7, version: 1 }))
    const { nanoUsd, tokens, version } = await books.read('a')
    assert.deepEqual([nanoUsd.allocated, tokens.allocated, version], [2000, 7, 2])
  },
  'a delegated part grows from its parent and shrinks back': async books => {
    await books.open('a', 100)
    await books.delegate('a', 'b', 60)
    refused(await books.store.adjust('b', { id: '1', nanoUsd: 101 }), 'exceeds_remaining', 'a')
    refused(await books.store.adjust('b', { id: '2', nanoUsd: 'unlimited' }), 'delegation_must_be_finite')
    done(await books.store.adjust('b', { id: '3', nanoUsd: 90 }))
    assert.deepEqual(await books.figures('a'), [0, 0, 90, 10])
    await books.reserve('b', 'h', 40)
    done(await books.store.adjust('b', { id: '4', nanoUsd: 10 }))
    assert.deepEqual(
      [await books.figures('a'), await books.figures('b')],
      [
        [0, 0, 40, 60],
        [0, 40, 0, -30],
      ],
    )
    await books.release('b', 'h')
    assert.deepEqual(await books.figures('a'), [0, 0, 10, 90])
  },
  'a replaced writer is fenced off': async books => {
    await books.open('a')
    await books.reserve('a', 'h', 100)
    done(await books.store.openAccount({ id: 'a', nanoUsd: 1000, tokens: 'unlimited', fence: 2 }))
    const stale = { id: 'a', fence: 1 }
    for (const old of [{ id: 'a' }, stale]) {
      refused(await books.store.reserve(old, { id: 'x', nanoUsd: 1, tokens: 0 }), 'fenced')
      refused(await books.store.settle(old, { id: 'h', nanoUsd: 1, tokens: 0 }), 'fenced')
      refused(await books.store.release(old, { id: 'h' }), 'fenced')
      refused(await books.store.markUnknown(old, { id: 'h' }), 'fenced')
      refused(await books.store.delegate(old, { id: 'x', nanoUsd: 1 }), 'fenced')
      refused(await books.store.returnDelegation(old), 'fenced')
    }
    refused(await books.store.openAccount({ id: 'a', nanoUsd: 1000, tokens: 'unlimited', fence: 1 }), 'fenced')
    held(await books.store.settle({ id: 'a', fence: 2 }, { id: 'h', nanoUsd: 60, tokens: 0 }))
    assert.deepEqual([await books.figures('a'), (await books.read('a')).fence], [[60, 0, 0, 940], 2])
  },
}

const records: Record<string, Check> = {
  'history tells what was done, in order, and nothing that was refused or repeated': async books => {
    await books.open('a', 100)
    await books.reserve('a', 'h', 40, { prices: '2026-01', detail: { model: 'm' } })
    await books.reserve('a', 'h', 40)
    await books.reserve('a', 'x', 61)
    await books.settle('a', 'h', 50)
    const { entries, dropped } = await books.store.history()
    assert.deepEqual(
      entries.map(({ seq, op, account, id, nanoUsd, overran }) => [seq, op, account, id, nanoUsd, overran]),
      [
        [1, 'open', 'a', 'a', 100, false],
        [2, 'reserve', 'a', 'h', 40, false],
        [3, 'settle', 'a', 'h', 50, true],
      ],
    )
    assert.deepEqual([entries[1]?.prices, entries[1]?.detail, dropped], ['2026-01', { model: 'm' }, 0])
  },
  'history can be asked in parts': async books => {
    await books.open('a', 100)
    await books.open('b', 100)
    for (const id of ['1', '2', '3']) await books.pay('b', id, 1)
    const ids = async (query: object) => (await books.store.history(query)).entries.map(entry => `${entry.op} ${entry.id}`)
    assert.deepEqual(await ids({ account: 'a' }), ['open a'])
    assert.deepEqual(await ids({ after: 6 }), ['reserve 3', 'settle 3'])
    assert.deepEqual(await ids({ account: 'b', after: 2, limit: 2 }), ['reserve 1', 'settle 1'])
    await throws(() => books.store.history({ limit: -1 }), RangeError)
  },
  'accounts are listed, parents first': async books => {
    await books.open('z')
    await books.open('a', 1, 'z')
    assert.deepEqual(
      (await books.store.accounts()).map(({ id, parent }) => [id, parent]),
      [
        ['z', undefined],
        ['a', 'z'],
      ],
    )
  },
  'open holds are listed, oldest first, with the age of the oldest': async books => {
    await books.open('a')
    await books.open('b')
    assert.equal(await books.store.oldestHold(), undefined)
    for (const [account, id] of [
      ['a', '1'],
      ['a', '2'],
      ['b', '3'],
      ['a', '4'],
    ] as const)
      await books.reserve(account, id, 1)
    await books.settle('a', '1', 1)
    await books.unknown('a', '4')
    const ids = async (query?: object) => (await books.store.holds(query)).map(hold => hold.id)
    assert.deepEqual([await ids(), await ids({ account: 'a' }), await ids({ state: 'unknown' })], [['2', '3', '4'], ['2', '4'], ['4']])
    const oldest = await books.store.oldestHold()
    assert.equal(oldest?.hold.id, '2')
    assert.ok(oldest.ageMs >= 0)
  },
}

function concurrency(callers: number): Record<string, Check> {
  const all = <T>(work: (n: number) => Promise<T>) => Promise.all(Array.from({ length: callers }, (_, n) => work(n)))
  return {
    'concurrent reservations of a fixed cost admit exactly floor(cap / cost)': async books => {
      const cost = 7
      const cap = Math.floor((callers * cost) / 2) + 3
      await books.open('org', cap)
      await books.open('agent', 'unlimited', 'org')
      const answers = await all(n => books.reserve('agent', `h${n}`, cost))
      const admitted = answers.flatMap(answer => (answer.ok ? [answer.hold.id] : []))
      assert.equal(admitted.length, Math.floor(cap / cost))
      await Promise.all(admitted.map(id => books.settle('agent', id, cost)))
      assert.deepEqual(await books.figures('org'), [admitted.length * cost, 0, 0, cap - admitted.length * cost])
    },
    'the first opening of an account, by many at once, lets nothing past': async books => {
      const answers = await all(async n => {
        await books.open('new', 10)
        return books.reserve('new', `h${n}`, 1)
      })
      assert.equal(answers.filter(answer => answer.ok).length, Math.min(callers, 10))
    },
    'the same request, by many at once, counts once': async books => {
      await books.open('a')
      const answers = await all(() => books.reserve('a', 'h', 10))
      assert.equal(answers.filter(answer => answer.ok && !answer.repeated).length, 1)
      const settles = await all(() => books.settle('a', 'h', 9))
      assert.equal(settles.filter(answer => answer.ok && !answer.repeated).length, 1)
      assert.deepEqual(await books.figures('a'), [9, 0, 0, 991])
    },
  }
}
