import assert from 'node:assert/strict'
import { type Check, done, figures, held, refused, repeated } from './books.js'

/** What becomes of a hold, and what happens when a request comes again. */
export const holds: Record<string, Check> = {
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
  'reconciling again with the same figures counts once; with others it is refused': async books => {
    await books.open('a', 1000, undefined, 50)
    await books.reserve('a', 'h', 400, { tokens: 20 })
    await books.unknown('a', 'h')
    const paid = { id: 'h', decision: 'settle', nanoUsd: 250, tokens: 9 } as const
    const first = held(await books.store.reconcile(paid)).hold
    assert.deepEqual(repeated(await books.store.reconcile(paid)), first)
    refused(await books.store.reconcile({ ...paid, nanoUsd: 251 }), 'exists_with_different_amount')
    refused(await books.store.reconcile({ ...paid, tokens: 8 }), 'exists_with_different_amount')
    const { nanoUsd, tokens } = await books.read('a')
    assert.deepEqual(
      [figures(nanoUsd), figures(tokens)],
      [
        [250, 0, 0, 750],
        [9, 0, 0, 41],
      ],
    )
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
