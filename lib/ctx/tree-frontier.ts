import { hash } from 'node:crypto'

const node = Buffer.alloc(65, 1)

/** The hash of two hashes, hex (RFC 6962). The buffer is written and read within the call. */
function nodeHash(left: string, right: string): string {
  node.write(left, 1, 'hex')
  node.write(right, 33, 'hex')
  return hash('sha256', node)
}

const emptyRoot: string = hash('sha256', '')

/**
 * The edge of a Merkle tree (RFC 6962) that only grows: as many hashes as the tree is high, however many leaves it has. Gives the root at any
 * time; for proofs, take `MerkleTree`.
 */
export class TreeFrontier {
  /** Roots of full subtrees, the largest first, hex. */
  readonly #peaks: string[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds a leaf by its hash, hex. */
  append(leaf: string): void {
    let hash = leaf
    for (let full = this.#size; full % 2 === 1; full = (full - 1) / 2) hash = nodeHash(this.#peaks.pop()!, hash)
    this.#peaks.push(hash)
    this.#size++
  }

  /** The root, hex. */
  root(): string {
    const { length } = this.#peaks
    if (length === 0) return emptyRoot
    let root = this.#peaks[length - 1]!
    for (let at = length - 2; at >= 0; at--) root = nodeHash(this.#peaks[at]!, root)
    return root
  }
}
