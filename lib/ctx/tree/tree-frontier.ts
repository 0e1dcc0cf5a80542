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
 * time. For a proof of one node of it, take `TreePath`; for proofs of any, `MerkleTree`.
 */
export class TreeFrontier {
  /** Roots of full subtrees, the largest first, hex. */
  protected readonly peaks: string[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds a leaf by its hash, hex. */
  append(leaf: string): void {
    let hash = leaf
    for (let full = this.#size; full % 2 === 1; full = (full - 1) / 2) hash = this.join(this.peaks.pop()!, hash)
    this.peaks.push(hash)
    this.#size++
  }

  /** The root, hex. */
  root(): string {
    return this.rootFrom(0) ?? emptyRoot
  }

  /** The root over the full subtrees from this one on; `undefined` behind the last. */
  protected rootFrom(first: number): string | undefined {
    let root = this.peaks.at(-1)
    for (let at = this.peaks.length - 2; at >= first; at--) root = nodeHash(this.peaks[at]!, root!)
    return first < this.peaks.length ? root : undefined
  }

  /** Called with every two nodes that become one; the left one has just been taken off the peaks. */
  protected join(left: string, right: string): string {
    return nodeHash(left, right)
  }
}
