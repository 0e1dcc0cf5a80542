import { CircuitOpenError } from 'outrigger'
import { givenValue } from './given-value.js'

/** Options of {@link createCircuitBreaker}. */
export interface CircuitBreakerOptions {
  /** The share of attempts that have to fail within the window, above 0, up to 1. Default 0.5. */
  readonly openAt?: number
  /** Below so many attempts within the window it stays closed. Default 10. */
  readonly least?: number
  /** How far back attempts count, in milliseconds. Default 30,000. */
  readonly windowMs?: number
  /** How long it stays open before a probe is let through, in milliseconds; twice as long after each probe that fails. Default 5,000. */
  readonly openMs?: number
  /** The longest that it stays open, in milliseconds. Default 120,000. */
  readonly maxOpenMs?: number
  /** How long a probe may take; after it another one is let through, in milliseconds. Default 60,000. */
  readonly probeMs?: number
}

/** What an attempt showed of its upstream. `neutral`: nothing; it was aborted, refused, or was the caller's own fault. */
export type CircuitVerdict = 'good' | 'bad' | 'neutral'

/** The state of one circuit, now. */
export interface Circuit {
  readonly state: 'closed' | 'open' | 'halfOpen'
  /** Attempts within the window that count, and those of them that failed. */
  readonly attempts: number
  readonly failures: number
}

/** Keeps callers away from what fails. One circuit for each name, such as a model; shared by all that are given the same breaker. */
export interface CircuitBreaker {
  /**
   * Lets an attempt through; returns what is to be called with its verdict, once.
   * @param now - monotonic, in milliseconds
   * @throws CircuitOpenError while the circuit is open, or its one probe is under way
   */
  enter(name: string, now: number): (verdict: CircuitVerdict, now: number) => void
  /** The circuits that have been used within their window, or are not closed, by name. */
  circuits(now: number): ReadonlyMap<string, Circuit>
}

/** The options as they took effect. */
export type CircuitSettings = Required<CircuitBreakerOptions>

export const circuitOptions: readonly string[] = ['openAt', 'least', 'windowMs', 'openMs', 'maxOpenMs', 'probeMs']

/**
 * The options of a breaker, checked and completed.
 * @throws TypeError or RangeError with the value and the fix
 */
export function circuitSettings(where: string, options: CircuitBreakerOptions): CircuitSettings {
  const { openAt = 0.5, least = 10, windowMs = 30_000, openMs = 5_000, maxOpenMs = 120_000, probeMs = 60_000 } = options
  if (!(typeof openAt === 'number' && openAt > 0 && openAt <= 1))
    throw new RangeError(`${where}: openAt must be a share above 0, up to 1, got ${givenValue(openAt)}`)
  if (!(Number.isInteger(least) && least >= 1))
    throw new RangeError(`${where}: least must be a whole number from 1, got ${givenValue(least)}`)
  for (const [name, value] of Object.entries({ windowMs, openMs, maxOpenMs, probeMs }))
    if (!(typeof value === 'number' && Number.isFinite(value) && value > 0))
      throw new RangeError(`${where}: ${name} must be milliseconds above 0, got ${givenValue(value)}`)
  if (openMs > maxOpenMs) throw new RangeError(`${where}: openMs (${openMs}) must not be above maxOpenMs (${maxOpenMs})`)
  return { openAt, least, windowMs, openMs, maxOpenMs, probeMs }
}

/**
 * A breaker to share between chosen sidecars.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function createCircuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  if (typeof options !== 'object' || options === null) throw new TypeError('createCircuitBreaker: options must be an object')
  for (const key of Object.keys(options))
    if (!circuitOptions.includes(key))
      throw new TypeError(`createCircuitBreaker: unknown option "${key}"; known are ${circuitOptions.join(', ')}`)
  return new Breaker(circuitSettings('createCircuitBreaker', options))
}

// A parted window forgets in steps: an attempt counts between nine and ten tenths of it.
const parts = 10

class Breaker implements CircuitBreaker {
  readonly #settings: CircuitSettings
  readonly #circuits = new Map<string, Wire>()
  #now = Number.NEGATIVE_INFINITY

  constructor(settings: CircuitSettings) {
    this.#settings = settings
  }

  enter(name: string, now: number): (verdict: CircuitVerdict, now: number) => void {
    const wire = this.#circuits.get(name) ?? new Wire(this.#settings)
    const pass = wire.enter(this.#latest(now))
    this.#circuits.set(name, wire)
    return (verdict, at) => wire.ended(pass, verdict, this.#latest(at))
  }

  circuits(now: number): ReadonlyMap<string, Circuit> {
    const at = this.#latest(now)
    for (const [name, wire] of this.#circuits) if (wire.isIdle(at)) this.#circuits.delete(name)
    return new Map([...this.#circuits].map(([name, wire]) => [name, wire.shown(at)]))
  }

  /** Callers may come with clocks of their own: only the one that is ahead moves time. */
  #latest(now: number): number {
    this.#now = Math.max(this.#now, now)
    return this.#now
  }
}

/** An attempt under way. What it shows counts only while the circuit is in the turn that it began in. */
interface Pass {
  readonly turn: number
  readonly probe: boolean
}

class Wire {
  readonly #settings: CircuitSettings
  readonly #counts: { part: number; attempts: number; failures: number }[] = []
  /** Goes up whenever the circuit opens or closes, and when a probe is given up. */
  #turn = 0
  #under = 0
  /** Until when it is open; `undefined` while it is closed. */
  #openUntil: number | undefined
  #openMs = 0
  #probeUntil: number | undefined

  constructor(settings: CircuitSettings) {
    this.#settings = settings
  }

  enter(now: number): Pass {
    if (this.#openUntil === undefined) {
      this.#under++
      return { turn: this.#turn, probe: false }
    }
    const shutUntil = Math.max(this.#openUntil, this.#probeUntil ?? 0)
    if (now < shutUntil) throw new CircuitOpenError({ retryAfterMs: Math.ceil(shutUntil - now) })
    this.#turn++
    this.#under++
    this.#probeUntil = now + this.#settings.probeMs
    return { turn: this.#turn, probe: true }
  }

  ended({ turn, probe }: Pass, verdict: CircuitVerdict, now: number): void {
    this.#under--
    if (turn !== this.#turn) return
    if (probe) this.#probed(verdict, now)
    else if (verdict !== 'neutral') this.#count(verdict, now)
  }

  /** Nothing is remembered of it that a new one would not say. */
  isIdle(now: number): boolean {
    return this.#openUntil === undefined && this.#under === 0 && this.#inWindow(now).length === 0
  }

  shown(now: number): Circuit {
    const { attempts, failures } = this.#sum(now)
    const open = this.#openUntil
    return { state: open === undefined ? 'closed' : now < open ? 'open' : 'halfOpen', attempts, failures }
  }

  #probed(verdict: CircuitVerdict, now: number): void {
    this.#probeUntil = undefined
    if (verdict === 'good') this.#close()
    if (verdict === 'bad') this.#open(Math.min(this.#openMs * 2, this.#settings.maxOpenMs), now)
  }

  #count(verdict: 'good' | 'bad', now: number): void {
    const part = this.#partOf(now)
    if (this.#counts.at(-1)?.part !== part) this.#counts.push({ part, attempts: 0, failures: 0 })
    const last = this.#counts.at(-1)!
    last.attempts++
    if (verdict === 'bad') last.failures++
    const { attempts, failures } = this.#sum(now)
    const { least, openAt, openMs } = this.#settings
    if (verdict === 'bad' && attempts >= least && failures >= openAt * attempts) this.#open(openMs, now)
  }

  #open(ms: number, now: number): void {
    this.#turn++
    this.#openMs = ms
    this.#openUntil = now + ms
    this.#counts.length = 0
  }

  #close(): void {
    this.#turn++
    this.#openUntil = undefined
  }

  #sum(now: number): { attempts: number; failures: number } {
    const sum = { attempts: 0, failures: 0 }
    for (const { attempts, failures } of this.#inWindow(now)) {
      sum.attempts += attempts
      sum.failures += failures
    }
    return sum
  }

  #inWindow(now: number): readonly { attempts: number; failures: number }[] {
    const oldest = this.#partOf(now) - parts
    while (this.#counts.length > 0 && this.#counts[0]!.part <= oldest) this.#counts.shift()
    return this.#counts
  }

  #partOf(now: number): number {
    return Math.floor((now * parts) / this.#settings.windowMs)
  }
}
