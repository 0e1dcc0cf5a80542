/** The longest cycle that is looked for: calls, or answers, until they begin again. */
const longestCycle = 8

interface Seen {
  readonly key: string
  /** When it ended, in steps of the watch. */
  readonly ended: number
}

/** A cycle that was found. */
export type Turning = {
  /** How many different ones it has. */
  readonly period: number
  /** How often each came. */
  readonly times: number
}

/** What a loop remembers: digests, the oldest first. */
export type KeptLoop = {
  readonly keys: readonly string[]
  readonly turning: Turning | null
}

/**
 * Finds cycles in what comes one after the other: the last `period × after` are `period` different ones, each of them `after` times, in any
 * order. So one that is new ends every cycle, and side by side is not one after the other. Keeps digests of the last `8 × after`.
 */
export class Loop {
  readonly #after: number
  #last: Seen[] = []
  #turning: Turning | undefined

  /** @param after - how often, from 2 */
  constructor(after: number) {
    this.#after = after
  }

  /** What it remembers, for the process after this one. */
  get kept(): KeptLoop {
    return { keys: this.#last.map(({ key }) => key), turning: this.#turning ?? null }
  }

  /** Goes on from what was kept: all of it has ended before anything that begins now. */
  restore({ keys, turning }: KeptLoop): void {
    this.#last = keys.slice(-longestCycle * this.#after).map(key => ({ key, ended: 0 }))
    this.#turning = turning ?? undefined
  }

  /** The cycle that is going on. */
  get turning(): Turning | undefined {
    return this.#turning
  }

  /**
   * Takes what has ended. `began` and `ended` are steps that only grow.
   * @returns whether it is new: it has not come before among those that are remembered; `undefined` for one beside an equal one
   */
  saw(key: string, began: number, ended: number): boolean | undefined {
    const before = this.#last.findLast(seen => seen.key === key)
    if (before && before.ended > began) return undefined
    this.#last.push({ key, ended })
    if (this.#last.length > longestCycle * this.#after) this.#last.shift()
    if (before) this.#turning = this.#cycle() ?? this.#turning
    else this.#turning = undefined
    return before === undefined
  }

  /** Something new came from elsewhere. */
  forget(): void {
    this.#last = []
    this.#turning = undefined
  }

  #cycle(): Turning | undefined {
    for (let period = 1; period <= longestCycle; period++) {
      if (this.#last.length < period * this.#after) return undefined
      if (this.#isCycle(period)) return { period, times: this.#after }
    }
  }

  #isCycle(period: number): boolean {
    const counts = new Map<string, number>()
    for (const { key } of this.#last.slice(-period * this.#after)) counts.set(key, (counts.get(key) ?? 0) + 1)
    return counts.size === period && [...counts.values()].every(count => count === this.#after)
  }
}
