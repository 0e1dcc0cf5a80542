import { TreeFrontier } from './tree-frontier.js'

/** A tree that only grows, and the way from one node of it to its root: no more than twice as many hashes as it is high are held. */
export class TreePath extends TreeFrontier {
  /** Which peak holds the node. */
  #at = -1
  readonly #inside: string[] = []

  /** Follows the leaf that is appended next. */
  followNext(): void {
    this.#at = this.peaks.length
  }

  /** Follows the last full subtree: what a proof that the tree has only grown since begins with. Empty where that is the whole tree. */
  followEdge(): readonly string[] {
    this.#at = this.peaks.length - 1
    return this.#at > 0 ? [this.peaks[this.#at]!] : []
  }

  /** The hashes beside the way up, from the node that is followed to the root as it is now, hex. */
  path(): readonly string[] {
    return [...this.#inside, ...this.#right(), ...this.peaks.slice(0, this.#at).reverse()]
  }

  #right(): readonly string[] {
    const root = this.rootFrom(this.#at + 1)
    return root === undefined ? [] : [root]
  }

  protected override join(left: string, right: string): string {
    const at = this.peaks.length
    if (this.#at === at) this.#inside.push(right)
    if (this.#at === at + 1) {
      this.#inside.push(left)
      this.#at = at
    }
    return super.join(left, right)
  }
}
