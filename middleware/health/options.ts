import { type KeptHealth, type PastHealth, readPast } from './past.js'

/** How long each phase may bring nothing, in milliseconds. */
export interface HealthPhases {
  /** Until the first event of a streamed answer; for an answer that is not streamed, and for an agent between its actions: in all. Default 600,000. */
  readonly firstByteMs?: number
  /** Between two events of a streamed answer; pings are none. Default 300,000. */
  readonly idleMs?: number
  /** A tool that runs. Default: none, for a tool may wait for a person. */
  readonly toolMs?: number
}

/** Options of {@link withHealth}. */
export interface WithHealthOptions {
  /** How often the same calls, or the same answers, come before that is spinning. Default 4. */
  readonly spinningAfter?: number
  /** How many failed actions, one after the other, are a spiral. Default 3. */
  readonly maxConsecutiveErrors?: number
  /** How long each phase may bring nothing. */
  readonly phases?: HealthPhases
  /** Tools that are called again and again by design, such as `job_status`: no number of calls of theirs is spinning. */
  readonly polling?: readonly string[]
  /** How long calls may be paid for without anything new, in milliseconds. Default 3,600,000. */
  readonly progressMs?: number
  /** How old a hold of the budget may be that no running action can explain, in milliseconds. Default 900,000. */
  readonly holdMs?: number
  /**
   * What an earlier process had seen: `sidecar.snapshot().layers.withHealth` of its last moment. Rows of errors, loops and the rest go on from there.
   * Default: nothing.
   */
  readonly past?: PastHealth
}

/** The options as they take effect. */
export interface HealthSettings {
  readonly spinningAfter: number
  readonly maxConsecutiveErrors: number
  readonly firstByteMs: number
  readonly idleMs: number
  readonly toolMs: number | undefined
  readonly polling: ReadonlySet<string>
  readonly progressMs: number
  readonly holdMs: number
  readonly past: KeptHealth | undefined
}

const known = ['spinningAfter', 'maxConsecutiveErrors', 'phases', 'polling', 'progressMs', 'holdMs', 'past']
const knownPhases = ['firstByteMs', 'idleMs', 'toolMs']

/** @throws TypeError or RangeError that says the value and the fix */
export function healthSettings(options: WithHealthOptions): HealthSettings {
  checkKeys('options', options, known)
  const { spinningAfter = 4, maxConsecutiveErrors = 3, phases = {}, polling = [], progressMs = 3_600_000, holdMs = 900_000 } = options
  checkKeys('phases', phases, knownPhases)
  const { firstByteMs = 600_000, idleMs = 300_000, toolMs } = phases
  checkCount('spinningAfter', spinningAfter, 2)
  checkCount('maxConsecutiveErrors', maxConsecutiveErrors, 1)
  for (const [name, value] of Object.entries({ firstByteMs, idleMs, toolMs, progressMs, holdMs })) checkMs(name, value)
  if (!Array.isArray(polling) || polling.some(name => typeof name !== 'string' || name === ''))
    throw new TypeError("withHealth: polling must be a list of tool names, like ['job_status']")
  const past = options.past === undefined ? undefined : readPast(options.past)
  return { spinningAfter, maxConsecutiveErrors, firstByteMs, idleMs, toolMs, polling: new Set(polling), progressMs, holdMs, past }
}

function checkKeys(what: string, given: object, names: readonly string[]): void {
  if (typeof given !== 'object' || given === null) throw new TypeError(`withHealth: ${what} must be an object`)
  for (const key of Object.keys(given))
    if (!names.includes(key))
      throw new TypeError(`withHealth: unknown ${what === 'phases' ? 'phase' : 'option'} "${key}"; known are ${names.join(', ')}`)
}

function checkCount(name: string, value: unknown, least: number): void {
  if (typeof value !== 'number') throw new TypeError(`withHealth: ${name} must be a number, got ${typeof value}`)
  if (!Number.isInteger(value) || value < least || value > 1_000)
    throw new RangeError(`withHealth: ${name} must be a whole number from ${least} to 1,000, got ${value}`)
}

/** Above 0; `Infinity` is the word for never. */
function checkMs(name: string, value: unknown): void {
  if (value === undefined) return
  if (typeof value !== 'number') throw new TypeError(`withHealth: ${name} must be milliseconds, got ${typeof value}`)
  if (!(value > 0)) throw new RangeError(`withHealth: ${name} must be milliseconds above 0, got ${value}`)
}
