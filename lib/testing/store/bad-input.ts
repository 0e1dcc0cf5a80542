import assert from 'node:assert/strict'
import { type Check, throws } from './books.js'

/** Amounts, caps and ids that are none. */
export const badInput: Record<string, Check> = {
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
