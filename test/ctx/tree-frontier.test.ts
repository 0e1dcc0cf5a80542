import fc from 'fast-check'
import { leafHash, MerkleTree } from '../../lib/ctx/tree/merkle.js'
import { TreeFrontier } from '../../lib/ctx/tree/tree-frontier.js'

describe('TreeFrontier', () => {
  it('has the root of the whole tree, at every size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), count => {
        const [tree, frontier] = [new MerkleTree(), new TreeFrontier()]
        for (let n = 0; n < count; n++) {
          const leaf = leafHash(Buffer.from(`leaf ${n}`))
          tree.append(leaf)
          frontier.append(Buffer.from(leaf).toString('hex'))
          expect(frontier.root()).toBe(Buffer.from(tree.root()).toString('hex'))
        }
        expect([frontier.size, frontier.root()]).toEqual([count, Buffer.from(tree.root()).toString('hex')])
      }),
      { numRuns: 20 },
    )
  })
})
