import assert from 'node:assert/strict'
import { type Check, throws } from './books.js'

/** What the books tell: history, accounts, open holds. */
export const records: Record<string, Check> = {
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
