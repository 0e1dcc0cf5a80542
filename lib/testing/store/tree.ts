import assert from 'node:assert/strict'
import { type Check, held, refused } from './books.js'

/** Accounts below accounts: every ancestor bounds and counts. */
export const tree: Record<string, Check> = {
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
  'a cap in tokens of an ancestor bounds it, too': async books => {
    await books.open('org', 'unlimited', undefined, 10)
    await books.open('project', 'unlimited', 'org')
    await books.open('agent', 'unlimited', 'project')
    refused(await books.reserve('agent', 'h', 0, { tokens: 11 }), 'exceeds_remaining', 'org')
    for (const id of ['org', 'project', 'agent']) assert.equal((await books.read(id)).tokens.held, 0)
    held(await books.reserve('agent', 'h', 0, { tokens: 10 }))
    assert.equal((await books.read('agent')).tokens.available, 0)
  },
  'a tree of five levels counts and bounds at every one': async books => {
    const levels = ['one', 'two', 'three', 'four', 'five']
    for (const [n, id] of levels.entries()) await books.open(id, n === 0 ? 100 : 'unlimited', levels[n - 1], n === 1 ? 50 : 'unlimited')
    refused(await books.reserve('five', 'h', 101), 'exceeds_remaining', 'one')
    refused(await books.reserve('five', 'h', 1, { tokens: 51 }), 'exceeds_remaining', 'two')
    held(await books.reserve('five', 'h', 100, { tokens: 50 }))
    refused(await books.reserve('three', 'more', 1), 'exceeds_remaining', 'one')
    held(await books.settle('five', 'h', 70, 40))
    for (const id of levels) {
      const { nanoUsd, tokens } = await books.read(id)
      assert.deepEqual([nanoUsd.spent, nanoUsd.held, tokens.spent, tokens.held], [70, 0, 40, 0])
    }
  },
}
