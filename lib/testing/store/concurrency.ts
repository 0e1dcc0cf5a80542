import assert from 'node:assert/strict'
import { type Check, held, refused } from './books.js'

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
    'siblings at once share what the parent has: each is admitted only as far as it lasts': async books => {
      await books.open('org', callers)
      await all(n => books.open(`agent${n}`, 'unlimited', 'org'))
      const answers = await all(n => books.reserve(`agent${n}`, `h${n}`, 2))
      assert.equal(answers.filter(answer => answer.ok).length, Math.floor(callers / 2))
      const [, held, , remaining] = await books.figures('org')
      assert.deepEqual([held, remaining], [Math.floor(callers / 2) * 2, callers % 2])
    },
    'concurrent reservations of tokens admit exactly floor(cap / tokens)': async books => {
      const tokens = 3
      const cap = Math.floor((callers * tokens) / 2) + 1
      await books.open('org', 'unlimited', undefined, cap)
      await books.open('agent', 'unlimited', 'org')
      const answers = await all(n => books.reserve('agent', `h${n}`, 0, { tokens }))
      const admitted = answers.filter(answer => answer.ok).length
      assert.equal(admitted, Math.floor(cap / tokens))
      assert.equal((await books.read('org')).tokens.held, admitted * tokens)
    },
    'delegations at once set aside no more than there is': async books => {
      await books.open('org', callers * 5)
      const answers = await all(n => books.delegate('org', `part${n}`, 10))
      const made = answers.filter(answer => answer.ok).length
      assert.equal(made, Math.floor(callers / 2))
      assert.deepEqual(await books.figures('org'), [0, 0, made * 10, callers * 5 - made * 10])
    },
    'a settle and a release at once: exactly one of them ends the hold': async books => {
      await books.open('a', callers * 10)
      const ended = await all(async n => {
        held(await books.reserve('a', `h${n}`, 10))
        const settle = () => books.settle('a', `h${n}`, 7)
        const release = () => books.release('a', `h${n}`)
        const [one, other] = await Promise.all(n % 2 === 0 ? [settle(), release()] : [release(), settle()])
        assert.equal(Number(one.ok) + Number(other.ok), 1)
        return one.ok ? one.hold.state : other.ok && other.hold.state
      })
      const settled = ended.filter(state => state === 'settled').length
      assert.deepEqual(await books.figures('a'), [settled * 7, 0, 0, callers * 10 - settled * 7])
    },
    'caps changed at once over one version: exactly one change is made': async books => {
      await books.open('a')
      const answers = await all(n => Promise.resolve(books.store.adjust('a', { id: `c${n}`, nanoUsd: 2000 + n, version: 0 })))
      const made = answers.flatMap((answer, n) => (answer.ok ? [n] : []))
      assert.equal(made.length, 1)
      for (const answer of answers) if (!answer.ok) refused(answer, 'version_mismatch')
      const { nanoUsd, version } = await books.read('a')
      assert.deepEqual([nanoUsd.allocated, version], [2000 + made[0]!, 1])
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
