import assert from 'node:assert/strict'
import { type Check, done, figures, held, refused } from './books.js'

/** One account: exact amounts, the cap, what does not fit. */
export const oneAccount: Record<string, Check> = {
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
  'tokens above the hold are recorded in full and flagged': async books => {
    await books.open('a', 1000, undefined, 50)
    await books.reserve('a', 'h', 10, { tokens: 20 })
    const { hold } = held(await books.settle('a', 'h', 10, 70))
    assert.deepEqual([hold.overran, hold.actual], [true, { nanoUsd: 10, tokens: 70 }])
    assert.deepEqual(figures((await books.read('a')).tokens), [70, 0, 0, -20])
    refused(await books.reserve('a', 'next', 0, { tokens: 1 }), 'exceeds_remaining')
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
