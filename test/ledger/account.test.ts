import { isOutriggerError } from '../../lib/core/errors.js'
import { type AccountRef, createLedger, type LedgerStore, LedgerUnavailableError, MemoryLedgerStore } from '../../lib/ledger/index.js'

const usd = { id: 'a', nanoUsd: 1000, tokens: 'unlimited' } as const
const call = (id: string, nanoUsd: number) => ({ id, nanoUsd, tokens: 1 })

/** The memory store as a database shows it: every answer a promise, the reading with it. */
function remote(memory = new MemoryLedgerStore()) {
  const calls: string[] = []
  let down = false
  const store = new Proxy(memory, {
    get(target, name: keyof LedgerStore) {
      if (name === 'synchronous') return false
      const member = target[name as keyof MemoryLedgerStore]
      if (typeof member !== 'function') return member
      return async (ref: AccountRef, ...rest: unknown[]) => {
        calls.push(name)
        if (down) throw new LedgerUnavailableError('the database does not answer')
        const answer = (member as (...all: unknown[]) => { ok?: boolean }).call(target, ref, ...rest)
        return answer?.ok ? { reading: target.read(ref.id), ...answer } : answer
      }
    },
  }) as unknown as LedgerStore
  return { store, calls, fail: (value: boolean) => (down = value) }
}

describe('an account in memory', () => {
  it('answers at once', () => {
    const account = createLedger().account(usd)
    expect(account.reserve(call('h', 400))).toMatchObject({ ok: true, hold: { state: 'held' } })
    expect(account.settle(call('h', 150))).toMatchObject({ ok: true, hold: { state: 'settled' } })
    expect(account.amounts()).toEqual({
      nanoUsd: { allocated: 1000, spent: 150, held: 0, delegated: 0, remaining: 850 },
      tokens: 'unlimited',
    })
    expect(account.read()).toMatchObject({ tokens: { spent: 1 } })
  })

  it('shows the true figure after an overrun', () => {
    const account = createLedger().account(usd)
    account.reserve(call('h', 1000))
    account.settle(call('h', 1200))
    expect(account.amounts().nanoUsd).toMatchObject({ remaining: -200 })
    expect(account.available()).toEqual({ nanoUsd: 0, tokens: 'unlimited' })
  })

  it('throws at once for a spec that is none, or that contradicts the books', () => {
    const ledger = createLedger()
    ledger.account(usd)
    expect(() => ledger.account({ ...usd, nanoUsd: -1 })).toThrow(RangeError)
    expect(() => ledger.account({ ...usd, id: '' })).toThrow(TypeError)
    expect(() => ledger.account({ ...usd, nanoUsd: 5 })).toThrow(/exists_with_different_amount.*adjust\(\)/)
    expect(() => ledger.account({ ...usd, id: 'b', parent: 'x' })).toThrow(/open the parent first/)
  })

  it('does not write to the spec, nor follow it', () => {
    const spec = Object.freeze({ ...usd })
    expect(createLedger().account(spec).id).toBe('a')
  })

  describe('delegates a part', () => {
    it('in USD, and gets back what is left', () => {
      const parent = createLedger().account({ id: 'jake', nanoUsd: 1_000_000_000, tokens: 'unlimited' })
      const child = parent.delegate({ usd: '0.25' })
      child.reserve(call('h', 100_000_000))
      child.settle(call('h', 60_000_000))
      expect(child.parent).toBe('jake')
      expect(parent.amounts().nanoUsd).toMatchObject({ spent: 0, delegated: 250_000_000, remaining: 750_000_000 })
      expect(child.close()).toMatchObject({ returned: { nanoUsd: 190_000_000 } })
      expect(parent.amounts().nanoUsd).toMatchObject({ spent: 60_000_000, delegated: 0, remaining: 940_000_000 })
      expect(child.reserve(call('late', 1))).toMatchObject({ ok: false, code: 'account_closed' })
    })

    it('that the parent has, else throws the budget error with the facts', () => {
      const parent = createLedger().account(usd)
      parent.delegate({ nanoUsd: 600 }, { id: 'b' })
      const asked = () => parent.delegate({ nanoUsd: 401 }, { id: 'c' })
      expect(asked).toThrow(expect.objectContaining({ code: 'ERR_BUDGET', account: 'a', needed: 401, remaining: 400, allocated: 1000 }))
      expect(asked).toThrow(/raise the budget, or set less aside for the child$/)
      expect(parent.delegate({ nanoUsd: 600 }, { id: 'b' }).id).toBe('b')
      expect(parent.amounts().nanoUsd).toMatchObject({ delegated: 600 })
    })

    it.each([{}, { uds: 1 }, { usd: 1, nanoUsd: 1 }, { usd: null }, { usd: Number.NaN }, { tokens: -1 }, { nanoUsd: '1' }])(
      'unless it is none: %p',
      part => {
        const parent = createLedger().account(usd)
        expect(() => parent.delegate(part as never)).toThrow(/./)
        expect(parent.amounts().nanoUsd).toMatchObject({ delegated: 0, remaining: 1000 })
      },
    )
  })

  it('shares itself with children that have no part of their own', () => {
    const parent = createLedger().account(usd)
    const child = parent.share({}, { tokens: 5 })
    child.reserve(call('h', 900))
    expect(child.available()).toEqual({ nanoUsd: 100, tokens: 4 })
    expect(parent.amounts().nanoUsd).toMatchObject({ held: 900 })
    expect(child.release({ id: 'h' })).toMatchObject({ ok: true })
    expect(child.id).toMatch(/^a\/[0-9a-f-]{36}$/)
  })
})

describe('a part or a cap that is there and undefined', () => {
  it.each([
    ['delegate', { usd: undefined, tokens: 10 }],
    ['delegate', { nanoUsd: undefined, tokens: 10 }],
    ['delegate', { usd: '0.1', tokens: undefined }],
    ['share', { nanoUsd: undefined }],
    ['share', { tokens: undefined, nanoUsd: 5 }],
    ['share', { usd: 5 }],
  ])('is refused: it would be all that the parent has (%s %j)', (what, amounts) => {
    const account = createLedger().account(usd)
    const open = () => (what === 'delegate' ? account.delegate(amounts as never) : account.share({}, amounts as never))
    expect(open).toThrow(TypeError)
  })
})

describe('an account that has ended', () => {
  it('keeps its last figures when the store has forgotten it', () => {
    const ledger = createLedger({ keepHistory: 1 })
    const team = ledger.account(usd)
    const [one, two] = [team.delegate({ nanoUsd: 100 }), team.delegate({ nanoUsd: 100 })]
    one.reserve(call('h', 60))
    one.settle(call('h', 60))
    one.close()
    const last = one.amounts()
    two.close()
    expect(ledger.accounts()).toHaveLength(2)
    expect(one.amounts()).toEqual(last)
    expect(one.amounts().nanoUsd).toMatchObject({ spent: 60 })
  })

  it('without a parent is never forgotten: it would open again with all of its cap', () => {
    const ledger = createLedger({ keepHistory: 1 })
    const first = ledger.account(usd)
    first.reserve(call('h', 1000))
    first.settle(call('h', 1000))
    first.close()
    for (const id of ['b', 'c']) ledger.account({ ...usd, id }).close()
    expect(ledger.account(usd).reserve(call('again', 1))).toMatchObject({ ok: false, code: 'account_closed' })
  })
})

describe('an account in a store that answers with promises', () => {
  it('opens with its first operation, once, and knows its figures from the answers', async () => {
    const { store, calls } = remote()
    const account = createLedger({ store }).account(usd)
    expect(calls).toEqual([])
    expect(account.amounts().nanoUsd).toMatchObject({ allocated: 1000, spent: 0 })
    await Promise.all([account.reserve(call('1', 100)), account.reserve(call('2', 200))])
    expect(await account.settle(call('1', 80))).toMatchObject({ ok: true })
    expect(account.amounts().nanoUsd).toMatchObject({ spent: 80, held: 200, remaining: 720 })
    expect(calls).toEqual(['openAccount', 'reserve', 'reserve', 'settle'])
    expect(await account.read()).toMatchObject({ nanoUsd: { spent: 80 } })
  })

  it('opens parents before children', async () => {
    const { store, calls } = remote()
    const child = createLedger({ store }).account(usd).delegate({ nanoUsd: 300 }, { id: 'b' })
    await child.open()
    expect(calls).toEqual(['openAccount', 'delegate'])
    expect(await child.close()).toMatchObject({ returned: { nanoUsd: 300 } })
  })

  it('rejects an operation whose opening is refused', async () => {
    const account = createLedger({ store: remote().store }).account(usd)
    const child = account.delegate({ nanoUsd: 1001 })
    await expect(async () => child.reserve(call('h', 1))).rejects.toMatchObject({ code: 'ERR_BUDGET', needed: 1001 })
  })

  it('admits nothing while the store is down, and works again afterwards', async () => {
    const { store, fail } = remote()
    const account = createLedger({ store }).account(usd)
    fail(true)
    const down = await Promise.resolve(account.reserve(call('h', 1))).catch((error: unknown) => error)
    expect(isOutriggerError(down, 'ERR_LEDGER')).toBe(true)
    fail(false)
    expect(await account.reserve(call('h', 1))).toMatchObject({ ok: true, repeated: false })
  })
})
