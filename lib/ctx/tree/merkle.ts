import { createHash } from 'node:crypto'

/** The hash of a leaf (RFC 6962): SHA-256 of a zero byte and the leaf. */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return createHash('sha256').update(leafMark).update(leaf).digest()
}

const leafMark = Buffer.of(0)
const nodeMark = Buffer.of(1)

const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => createHash('sha256').update(nodeMark).update(left).update(right).digest()

/** The root of the tree without a leaf: SHA-256 of nothing. */
export const emptyRoot: string = createHash('sha256').digest('hex')

const hashBytes = 32

/** The hashes of one level of the tree, one after the other in one block that doubles: 32 bytes a node. */
class Level {
  #block = Buffer.allocUnsafe(hashBytes * 8)
  count = 0

  push(hash: Uint8Array): void {
    if (this.#block.length === this.count * hashBytes) this.#block = Buffer.concat([this.#block], this.#block.length * 2)
    this.#block.set(hash, this.count * hashBytes)
    this.count += 1
  }

  at(index: number): Buffer {
    return this.#block.subarray(index * hashBytes, (index + 1) * hashBytes)
  }
}

/**
 * A Merkle tree (RFC 6962) that grows by a leaf at a time. Appending hashes one node on average; a root or a proof of any size it has had hashes
 * as many as the tree is high. It keeps every full node: 64 bytes a leaf.
 */
export class MerkleTree {
  readonly #levels: Level[] = [new Level()]

  /** Leaves. */
  get size(): number {
    return this.#levels[0]!.count
  }

  /** Adds a leaf by its hash (`leafHash`) and returns its index. @throws TypeError where it is not 32 bytes */
  append(leaf: Uint8Array): number {
    if (!isHash(leaf)) throw new TypeError('a leaf is added by its hash, a Uint8Array of 32 bytes')
    const index = this.size
    this.#push(0, leaf)
    return index
  }

  /** The root of the first `size` leaves; of all of them without one. @throws RangeError beyond the tree */
  root(size: number = this.size): Uint8Array {
    this.#check('size', size, 0, this.size)
    return size === 0 ? Buffer.from(emptyRoot, 'hex') : Buffer.from(this.#range(0, size))
  }

  /** The hash of a leaf. @throws RangeError beyond the tree */
  leaf(index: number): Uint8Array {
    this.#check('index', index, 0, this.size - 1)
    return Buffer.from(this.#levels[0]!.at(index))
  }

  /** The path that proves that the leaf at `index` is in the tree of the first `size` leaves, from the leaf up. @throws RangeError beyond the tree */
  inclusionProof(index: number, size: number = this.size): Uint8Array[] {
    this.#check('size', size, 1, this.size)
    this.#check('index', index, 0, size - 1)
    return this.#path(index, 0, size)
  }

  /**
   * Proves that the tree of `first` leaves is the beginning of the tree of `second`. Empty for equal sizes. @throws RangeError beyond the tree, and for
   * a first size of 0, which has nothing to prove
   */
  consistencyProof(first: number, second: number = this.size): Uint8Array[] {
    this.#check('size', second, 0, this.size)
    this.#check('first size', first, 1, second)
    return first === second ? [] : this.#subproof(first, 0, second, true)
  }

  #push(height: number, hash: Uint8Array): void {
    if (height === this.#levels.length) this.#levels.push(new Level())
    const level = this.#levels[height]!
    level.push(hash)
    if (level.count % 2 === 0) this.#push(height + 1, nodeHash(level.at(level.count - 2), level.at(level.count - 1)))
  }

  /** MTH(D[start:end]) of RFC 6962; a range that is a full node is kept, others are made of two. */
  #range(start: number, end: number): Buffer {
    const count = end - start
    const split = splitOf(count)
    if (count === 1) return this.#levels[0]!.at(start)
    if (split * 2 === count) return this.#levels[Math.log2(count)]!.at(start / count)
    return nodeHash(this.#range(start, start + split), this.#range(start + split, end))
  }

  /** PATH(index, D[start:end]). */
  #path(index: number, start: number, end: number): Uint8Array[] {
    if (end - start === 1) return []
    const middle = start + splitOf(end - start)
    return index < middle
      ? [...this.#path(index, start, middle), Buffer.from(this.#range(middle, end))]
      : [...this.#path(index, middle, end), Buffer.from(this.#range(start, middle))]
  }

  /** SUBPROOF(first, D[start:end], known), `first` counted from the start of the whole tree. */
  #subproof(first: number, start: number, end: number, known: boolean): Uint8Array[] {
    if (first === end) return known ? [] : [Buffer.from(this.#range(start, end))]
    const middle = start + splitOf(end - start)
    return first <= middle
      ? [...this.#subproof(first, start, middle, known), Buffer.from(this.#range(middle, end))]
      : [...this.#subproof(first, middle, end, false), Buffer.from(this.#range(start, middle))]
  }

  #check(what: string, value: number, least: number, most: number): void {
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new RangeError(`${what} must be an integer from ${least} to ${most}, not ${value}`)
    }
  }
}

/** The greatest power of two below the count; 1 for 1. */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}

/** What an inclusion proof claims: the leaf of this hash is at `index` of the tree of `size` leaves that has this root. */
export interface Inclusion {
  readonly leaf: Uint8Array
  readonly index: number
  readonly size: number
  readonly root: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** Is the leaf in the tree? Takes any values and never throws. */
export function verifyInclusion(claim: Inclusion): boolean {
  return answered(() => {
    const { leaf, index, size, root, proof } = claim
    if (!isSize(index) || !isSize(size) || index >= size || !areHashes([leaf, root]) || !areHashes(proof)) return false
    const reached = climb(leaf, index, size - 1, proof)
    return reached !== undefined && equal(reached, root)
  })
}

/** RFC 9162, 2.1.3.2. */
function climb(leaf: Uint8Array, index: number, last: number, proof: readonly Uint8Array[]): Uint8Array | undefined {
  let hash = leaf
  let [node, edge] = [index, last]
  for (const sibling of proof) {
    if (edge === 0) return undefined
    const isRight = isOdd(node) || node === edge
    hash = isRight ? nodeHash(sibling, hash) : nodeHash(hash, sibling)
    if (isRight) [node, edge] = upToOdd(node, edge)
    ;[node, edge] = [half(node), half(edge)]
  }
  return edge === 0 ? hash : undefined
}

/** What a consistency proof claims: the tree of `first` leaves is the beginning of the tree of `second`. */
export interface Consistency {
  readonly first: number
  readonly second: number
  readonly firstRoot: Uint8Array
  readonly secondRoot: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** Has the tree only grown? Nothing is proved of a tree of 0 leaves, so from there the answer is no. Takes any values and never throws. */
export function verifyConsistency(claim: Consistency): boolean {
  return answered(() => {
    const { first, second, firstRoot, secondRoot, proof } = claim
    if (!isSize(first) || !isSize(second) || first === 0 || first > second || !areHashes(proof)) return false
    if (first === second) return proof.length === 0 && equal(firstRoot, secondRoot)
    if (!areHashes([firstRoot, secondRoot])) return false
    return grows(claim)
  })
}

/** RFC 9162, 2.1.4.2. */
function grows({ first, second, firstRoot, secondRoot, proof }: Consistency): boolean {
  const [seed, ...path] = isPowerOfTwo(first) ? [firstRoot, ...proof] : proof
  if (seed === undefined) return false
  let [node, edge] = [first - 1, second - 1]
  while (isOdd(node)) [node, edge] = [half(node), half(edge)]
  let [old, now] = [seed, seed]
  for (const hash of path) {
    if (edge === 0) return false
    if (isOdd(node) || node === edge) {
      ;[old, now] = [nodeHash(hash, old), nodeHash(hash, now)]
      ;[node, edge] = upToOdd(node, edge)
    } else {
      now = nodeHash(now, hash)
    }
    ;[node, edge] = [half(node), half(edge)]
  }
  return edge === 0 && equal(old, firstRoot) && equal(now, secondRoot)
}

/** Up to where the node is a right child, or the root. */
function upToOdd(node: number, edge: number): [number, number] {
  while (!isOdd(node) && node !== 0) [node, edge] = [half(node), half(edge)]
  return [node, edge]
}

// Not by bit operations, which end at 2^32.
const half = (n: number): number => Math.floor(n / 2)
const isOdd = (n: number): boolean => n % 2 === 1
const isSize = (n: number): boolean => Number.isSafeInteger(n) && n >= 0

function isPowerOfTwo(n: number): boolean {
  while (n > 1 && !isOdd(n)) n = half(n)
  return n === 1
}

const isHash = (value: unknown): value is Uint8Array => value instanceof Uint8Array && value.byteLength === hashBytes
const areHashes = (values: readonly unknown[]): boolean => Array.isArray(values) && values.every(isHash)
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

function answered(verify: () => boolean): boolean {
  try {
    return verify()
  } catch {
    return false
  }
}
