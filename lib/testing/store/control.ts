import assert from 'node:assert/strict'
import { type Check, done, figures, held, refused, repeated } from './books.js'

/** Caps changed while calls are in flight, and writers that were replaced. */
export const control: Record<string, Check> = {
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
