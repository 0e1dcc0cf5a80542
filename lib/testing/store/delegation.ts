import assert from 'node:assert/strict'
import { type Check, done, figures, held, refused, repeated } from './books.js'

/** Parts that are set aside for a child, and returned. */
export const delegation: Record<string, Check> = {
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
