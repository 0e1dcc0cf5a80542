import { givenValue } from './given-value.js'

/** Options of {@link createLimit}. */
export interface CreateLimitOptions {
  /** How many may run at once. */
  readonly concurrency: number
}

/** A place in a limit: running, or in the line. */
export interface Turn {
  /** It runs: it has one of the slots. */
  readonly running: boolean
  /** Resolves when it may run; rejects with what `leave` is given. */
  readonly ready: Promise<void>
  /** Gives up its place in the line. Nothing happens to one that runs. */
  leave(reason: unknown): void
  /** It has ended: the next in the line runs. Calling it again does nothing. */
  done(): void
}

/** Lets so many run at once, and the others wait in a fair order: first come, first served within an agent, and the agents in turn. */
export interface Limit {
  /** How many may run at once by now. */
  readonly concurrency: number
  readonly running: number
  readonly waiting: number
  /**
   * Takes a slot, or a place in the line. Whoever enters must leave it, or say that it is done.
   * @param agent - whose line it is, by identity
   * @param atMost - a lower limit than `concurrency`, that holds for all while this turn waits or runs. Default: none
   */
  enter(agent: object, atMost?: number): Turn
}

/**
 * A limit to share between chosen sidecars.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function createLimit(options: CreateLimitOptions): Limit {
  if (typeof options !== 'object' || options === null) throw new TypeError('createLimit: options must be an object with concurrency')
  for (const key of Object.keys(options))
    if (key !== 'concurrency') throw new TypeError(`createLimit: unknown option "${key}"; known is concurrency`)
  return new FairLimit(checkedConcurrency(options.concurrency, 'createLimit'))
}

/** @throws RangeError when it is not a whole number from 1 */
export function checkedConcurrency(concurrency: number, where: string): number {
  if (Number.isInteger(concurrency) && concurrency >= 1) return concurrency
  throw new RangeError(`${where}: concurrency must be a whole number from 1, got ${givenValue(concurrency)}`)
}

// Registered, so that the ESM and CommonJS copies of this package share it.
const key = Symbol.for('outrigger.v1.limit')

/** The limit that all agents of the process share by default: without a figure of its own, the lowest that anyone in it asks for is in force. */
export function processLimit(): Limit {
  const holder = globalThis as { [key]?: Limit }
  holder[key] ??= new FairLimit(Number.POSITIVE_INFINITY)
  return holder[key]
}

class FairLimit implements Limit {
  readonly #most: number
  /** Who asks for how few, of those that wait or run: figure → count. */
  readonly #bounds = new Map<number, number>()
  /** One line for each agent that waits; the first of the map is served next. */
  readonly #lines = new Map<object, Set<Place>>()
  #running = 0
  #waiting = 0

  constructor(most: number) {
    this.#most = most
  }

  get concurrency(): number {
    return Math.min(this.#most, ...this.#bounds.keys())
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  enter(agent: object, atMost?: number): Turn {
    const bound = atMost === undefined ? this.#most : checkedConcurrency(atMost, 'enter')
    const place = new Place(this, agent, bound)
    this.#bounds.set(bound, (this.#bounds.get(bound) ?? 0) + 1)
    this.#lineOf(agent).add(place)
    this.#waiting++
    this.#serve()
    return place
  }

  /** A place that waited is given up. */
  left(place: Place): void {
    const line = this.#lines.get(place.agent)!
    line.delete(place)
    if (line.size === 0) this.#lines.delete(place.agent)
    this.#waiting--
    this.#gone(place)
  }

  /** A place that ran has ended. */
  ended(place: Place): void {
    this.#running--
    this.#gone(place)
  }

  #gone({ atMost }: Place): void {
    const left = this.#bounds.get(atMost)! - 1
    if (left > 0) this.#bounds.set(atMost, left)
    else this.#bounds.delete(atMost)
    this.#serve()
  }

  #lineOf(agent: object): Set<Place> {
    const line = this.#lines.get(agent) ?? new Set()
    this.#lines.set(agent, line)
    return line
  }

  #serve(): void {
    const most = this.concurrency
    while (this.#running < most && this.#waiting > 0) this.#next().run()
  }

  /** The first of the agent whose turn it is; that agent's next turn comes after everybody else's. */
  #next(): Place {
    const [[agent, line]] = this.#lines as Iterable<[object, Set<Place>]> as [[object, Set<Place>]]
    const [place] = line as Iterable<Place> as [Place]
    this.#lines.delete(agent)
    line.delete(place)
    if (line.size > 0) this.#lines.set(agent, line)
    this.#waiting--
    this.#running++
    return place
  }
}

class Place implements Turn {
  readonly agent: object
  readonly atMost: number
  readonly ready: Promise<void>
  readonly #limit: FairLimit
  #state: 'waiting' | 'running' | 'over' = 'waiting'
  #resolve!: () => void
  #reject!: (reason: unknown) => void

  constructor(limit: FairLimit, agent: object, atMost: number) {
    this.#limit = limit
    this.agent = agent
    this.atMost = atMost
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get running(): boolean {
    return this.#state === 'running'
  }

  run(): void {
    this.#state = 'running'
    this.#resolve()
  }

  leave(reason: unknown): void {
    if (this.#state !== 'waiting') return
    this.#state = 'over'
    // Whoever leaves may not be waiting for its turn any more.
    this.ready.catch(() => {})
    this.#reject(reason)
    this.#limit.left(this)
  }

  done(): void {
    if (this.#state === 'waiting') this.leave(new Error('the turn was given up'))
    if (this.#state !== 'running') return
    this.#state = 'over'
    this.#limit.ended(this)
  }
}
