/** How many retries a budget lets through. */
export interface RetryBudgetOptions {
  /** Retries earned by each first attempt. Default 0.08: with the floor below, 1,000 failing calls a second make at most 1.10 times the wire requests. */
  readonly ratio?: number
  /** Retries that are earned by time alone, a second. Default 10 (Finagle's figure). */
  readonly minPerSecond?: number
  /** The most that can be saved up. Default 100. */
  readonly most?: number
}

/** Keeps retries from making an outage worse. Shared by all callers of one upstream. */
export interface RetryBudget {
  /** A first attempt begins. `now` is monotonic, in milliseconds. */
  deposit(now: number): void
  /** Takes one retry. False: there is none left, fail instead. */
  withdraw(now: number): boolean
  readonly balance: number
}

const known = new Set(['ratio', 'minPerSecond', 'most'])

/**
 * A token bucket for retries: every first attempt earns a fraction of one, time earns a few, and each retry costs one.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function createRetryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  if (typeof options !== 'object' || options === null) throw new TypeError('createRetryBudget: options must be an object')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`createRetryBudget: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { ratio = 0.08, minPerSecond = 10, most = 100 } = options
  for (const [name, value] of Object.entries({ ratio, minPerSecond, most })) {
    if (!(Number.isFinite(value) && value >= 0)) throw new RangeError(`createRetryBudget: ${name} must be a number from 0, got ${value}`)
  }
  return new Bucket(ratio, minPerSecond, most)
}

class Bucket implements RetryBudget {
  readonly #ratio: number
  readonly #perMs: number
  readonly #most: number
  #tokens: number
  #at: number | undefined

  constructor(ratio: number, minPerSecond: number, most: number) {
    this.#ratio = ratio
    this.#perMs = minPerSecond / 1000
    this.#most = most
    this.#tokens = most
  }

  get balance(): number {
    return this.#tokens
  }

  deposit(now: number): void {
    this.#refill(now)
    this.#tokens = Math.min(this.#most, this.#tokens + this.#ratio)
  }

  withdraw(now: number): boolean {
    this.#refill(now)
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  #refill(now: number): void {
    // Callers may come with clocks of their own: only the one that is ahead moves time.
    const step = Math.max(0, now - (this.#at ?? now))
    this.#at = Math.max(now, this.#at ?? now)
    this.#tokens = Math.min(this.#most, this.#tokens + step * this.#perMs)
  }
}

// One for each upstream of the process, so that many agents cannot retry it down together.
const shared = new WeakMap<object, RetryBudget>()

/** The budget that all callers of one upstream share by default. */
export function sharedRetryBudget(upstream: object): RetryBudget {
  const budget = shared.get(upstream) ?? createRetryBudget()
  shared.set(upstream, budget)
  return budget
}
