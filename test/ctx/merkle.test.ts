import * as fc from 'fast-check'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Consistency,
  emptyRoot,
  type Inclusion,
  leafHash,
  MerkleTree,
  verifyConsistency,
  verifyInclusion,
} from '../../lib/ctx/tree/merkle.js'

const vectors = JSON.parse(readFileSync(join(__dirname, '../vectors/merkle/proofs.json'), 'utf8'))
const base64 = (text: string) => Buffer.from(text, 'base64')
const proofOf = (proof: string[] | null) => (proof ?? []).map(base64)

const leaves = (count: number) => Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)))

function treeOf(count: number): MerkleTree {
  const tree = new MerkleTree()
  for (const leaf of leaves(count)) tree.append(leaf)
  return tree
}

/** MTH as RFC 6962 writes it, without anything kept. */
function plainRoot(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return createHash('sha256').digest()
  if (hashes.length === 1) return hashes[0]!
  let split = 1
  while (split * 2 < hashes.length) split *= 2
  const [left, right] = [plainRoot(hashes.slice(0, split)), plainRoot(hashes.slice(split))]
  return createHash('sha256')
    .update(Buffer.concat([Buffer.of(1), left, right]))
    .digest()
}

describe('the vectors of transparency-dev', () => {
  it('are 98 proofs of inclusion, all judged right', () => {
    const all = Object.entries<any>(vectors.inclusion)
    expect(all).toHaveLength(98)
    const verdicts = all.map(([name, v]) => [
      name,
      verifyInclusion({ leaf: base64(v.leafHash), index: v.leafIdx, size: v.treeSize, root: base64(v.root), proof: proofOf(v.proof) }),
    ])
    expect(verdicts).toEqual(all.map(([name, v]) => [name, !v.wantErr]))
  })

  it('are 98 proofs of consistency, all judged right', () => {
    const all = Object.entries<any>(vectors.consistency)
    expect(all).toHaveLength(98)
    const verdicts = all.map(([name, v]) => [
      name,
      verifyConsistency({
        first: v.size1,
        second: v.size2,
        firstRoot: base64(v.root1),
        secondRoot: base64(v.root2),
        proof: proofOf(v.proof),
      }),
    ])
    expect(verdicts).toEqual(all.map(([name, v]) => [name, !v.wantErr]))
  })
})

describe('MerkleTree', () => {
  it('has the roots of Certificate Transparency', () => {
    const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
    const roots = [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
      'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
      '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
      'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    ]
    const tree = new MerkleTree()
    expect(Buffer.from(tree.root()).toString('hex')).toBe(emptyRoot)
    for (const [i, input] of inputs.entries()) {
      expect(tree.append(leafHash(Buffer.from(input, 'hex')))).toBe(i)
      expect(Buffer.from(tree.root()).toString('hex')).toBe(roots[i])
    }
  })

  it('has the plain root at every size that it has had', () => {
    const tree = treeOf(70)
    for (let size = 0; size <= 70; size++) expect(Buffer.from(tree.root(size))).toEqual(Buffer.from(plainRoot(leaves(size))))
    expect(tree.size).toBe(70)
    expect(tree.leaf(69)).toEqual(leaves(70)[69])
  })

  it('proves each leaf at each size, and no other', () => {
    const tree = treeOf(33)
    for (let size = 1; size <= 33; size++) {
      for (let index = 0; index < size; index++) {
        const claim: Inclusion = { leaf: tree.leaf(index), index, size, root: tree.root(size), proof: tree.inclusionProof(index, size) }
        expect(verifyInclusion(claim)).toBe(true)
        expect(verifyInclusion({ ...claim, index: index + 1 })).toBe(false)
        expect(verifyInclusion({ ...claim, leaf: leafHash(Buffer.from('other')) })).toBe(false)
        expect(verifyInclusion({ ...claim, proof: [...claim.proof, tree.leaf(0)] })).toBe(false)
        if (size > 1) expect(verifyInclusion({ ...claim, proof: claim.proof.slice(1) })).toBe(false)
      }
    }
  })

  it('proves that it has only grown, from each size to each', () => {
    const tree = treeOf(33)
    for (let second = 1; second <= 33; second++) {
      for (let first = 1; first <= second; first++) {
        const claim: Consistency = {
          first,
          second,
          firstRoot: tree.root(first),
          secondRoot: tree.root(second),
          proof: tree.consistencyProof(first, second),
        }
        expect(verifyConsistency(claim)).toBe(true)
        expect(verifyConsistency({ ...claim, firstRoot: leafHash(Buffer.from('other')) })).toBe(false)
        expect(verifyConsistency({ ...claim, secondRoot: leafHash(Buffer.from('other')) })).toBe(false)
        expect(verifyConsistency({ ...claim, proof: [...claim.proof, tree.leaf(0)] })).toBe(false)
        if (first < second) expect(verifyConsistency({ ...claim, second: first, first: second })).toBe(false)
      }
    }
  })

  it('notices one bit that differs in a proof', () => {
    const tree = treeOf(1_000)
    fc.assert(
      fc.property(fc.nat(999), fc.integer({ min: 1, max: 1_000 }), fc.nat(), fc.nat(255), (a, b, at, bit) => {
        const [index, size] = [Math.min(a, b - 1), b]
        const proof = tree.inclusionProof(index, size)
        const claim = { leaf: tree.leaf(index), index, size, root: tree.root(size), proof }
        expect(verifyInclusion(claim)).toBe(true)
        if (proof.length === 0) return
        proof[at % proof.length]![bit >> 3]! ^= 1 << (bit & 7)
        expect(verifyInclusion(claim)).toBe(false)
      }),
    )
  })

  it('has proofs as long as the tree is high', () => {
    const tree = treeOf(4_096)
    expect(tree.inclusionProof(1_234)).toHaveLength(12)
    expect(tree.consistencyProof(2_047).length).toBeLessThanOrEqual(13)
  })

  it('gives copies: nobody can write into the tree', () => {
    const tree = treeOf(5)
    const before = Buffer.from(tree.root())
    for (const bytes of [tree.root(), tree.root(1), tree.root(4), tree.leaf(3), ...tree.inclusionProof(2), ...tree.consistencyProof(3)]) {
      bytes.fill(0)
    }
    expect(Buffer.from(tree.root())).toEqual(before)
    const leaf = Buffer.from(leaves(6)[5]!)
    tree.append(leaf)
    leaf.fill(0)
    expect(Buffer.from(tree.root())).toEqual(Buffer.from(plainRoot(leaves(6))))
  })

  it.each<[string, (tree: MerkleTree) => unknown]>([
    ['a root beyond the tree', tree => tree.root(4)],
    ['a root of a part', tree => tree.root(1.5)],
    ['a proof of a leaf beyond the tree', tree => tree.inclusionProof(3)],
    ['a proof of a negative leaf', tree => tree.inclusionProof(-1)],
    ['a proof beyond the tree', tree => tree.inclusionProof(0, 4)],
    ['a proof of growth from beyond', tree => tree.consistencyProof(4)],
    ['a proof of growth from nothing', tree => tree.consistencyProof(0)],
    ['a proof of growth backwards', tree => tree.consistencyProof(3, 2)],
    ['a leaf beyond the tree', tree => tree.leaf(3)],
  ])('refuses %s', (_what, ask) => {
    expect(() => ask(treeOf(3))).toThrow(RangeError)
  })

  it.each([[undefined], ['x'.repeat(32)], [Buffer.alloc(31)], [Buffer.alloc(33)]])('refuses the leaf %p', leaf => {
    expect(() => new MerkleTree().append(leaf as never)).toThrow(TypeError)
  })
})

describe('a claim that is none', () => {
  const hash = leafHash(Buffer.alloc(0))

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an empty one', {}],
    ['a size of 2^64', { leaf: hash, index: 0, size: 2 ** 64, root: hash, proof: [] }],
    ['a negative index', { leaf: hash, index: -1, size: 1, root: hash, proof: [] }],
    ['an index of text', { leaf: hash, index: '0', size: 1, root: hash, proof: [] }],
    ['a proof that is none', { leaf: hash, index: 0, size: 1, root: hash, proof: null }],
    ['a hash that is short', { leaf: hash.subarray(1), index: 0, size: 1, root: hash.subarray(1), proof: [] }],
    ['a hash of text in the proof', { leaf: hash, index: 0, size: 2, root: hash, proof: ['x'.repeat(32)] }],
  ])('is refused without an exception: %s', (_what, claim) => {
    expect(verifyInclusion(claim as Inclusion)).toBe(false)
    expect(verifyConsistency(claim as Consistency)).toBe(false)
  })

  it('of the tree of one leaf is good without a proof', () => {
    expect(verifyInclusion({ leaf: hash, index: 0, size: 1, root: hash, proof: [] })).toBe(true)
    expect(verifyConsistency({ first: 1, second: 1, firstRoot: hash, secondRoot: hash, proof: [] })).toBe(true)
  })

  it('counts beyond 2^32', () => {
    const proof = Array.from({ length: 41 }, (_, i) => leafHash(Buffer.of(i)))
    const index = 2 ** 40 + 5
    const root = proof.reduce((below, sibling, i) => {
      const pair = Math.floor(index / 2 ** i) % 2 === 1 ? [sibling, below] : [below, sibling]
      return createHash('sha256')
        .update(Buffer.concat([Buffer.of(1), ...pair]))
        .digest()
    }, hash)
    expect(verifyInclusion({ leaf: hash, index, size: 2 ** 41, root, proof })).toBe(true)
    expect(verifyInclusion({ leaf: hash, index: 5, size: 2 ** 41, root, proof })).toBe(false)
  })
})
