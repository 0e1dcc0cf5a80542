import { leafHash, MerkleTree, verifyConsistency, verifyInclusion } from '../../lib/ctx/tree/merkle.js'
import { TreePath } from '../../lib/ctx/tree/tree-path.js'

const leaves = Array.from({ length: 70 }, (_none, n) => leafHash(Buffer.of(n)))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => Buffer.from(text, 'hex')

/** A tree of the first leaves, in which the leaf or, from this size on, the edge is followed. */
function followed(size: number, what: { readonly leaf?: number; readonly edge?: number }) {
  const tree = new TreePath()
  let seed: readonly string[] = []
  for (let n = 0; n < size; n++) {
    if (n === what.leaf) tree.followNext()
    tree.append(hex(leaves[n]!))
    if (n + 1 === what.edge) seed = tree.followEdge()
  }
  return { tree, path: [...seed, ...tree.path()] }
}

describe('TreePath', () => {
  const whole = new MerkleTree()
  for (const leaf of leaves) whole.append(leaf)

  it('has the inclusion proof of every leaf in every size, as the tree that keeps all has it', () => {
    for (let size = 1; size <= leaves.length; size++)
      for (let index = 0; index < size; index++) {
        const { tree, path } = followed(size, { leaf: index })
        expect([size, index, path]).toEqual([size, index, whole.inclusionProof(index, size).map(hex)])
        const claim = { leaf: leaves[index]!, index, size, root: bytes(tree.root()), proof: path.map(bytes) }
        expect(verifyInclusion(claim)).toBe(true)
      }
  })

  it('has the consistency proof of every two sizes', () => {
    for (let second = 2; second <= leaves.length; second++)
      for (let first = 1; first < second; first++) {
        const { tree, path } = followed(second, { edge: first })
        expect([first, second, path]).toEqual([first, second, whole.consistencyProof(first, second).map(hex)])
        const roots = { firstRoot: whole.root(first), secondRoot: bytes(tree.root()) }
        expect(verifyConsistency({ first, second, ...roots, proof: path.map(bytes) })).toBe(true)
      }
  })

  it('holds no more than the way up, however many leaves there are', () => {
    const { path } = followed(65, { leaf: 3 })
    expect(path).toHaveLength(7)
  })
})
