import assert from 'node:assert/strict'
import type { Check } from './books.js'

/** Many callers at once. `callers`: how many. */
export function concurrency(callers: number): Record<string, Check> {
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
