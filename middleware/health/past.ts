import type { Json } from 'outrigger'
import type { KeptCalls } from './calls.js'
import type { KeptLatch } from './errors.js'
import type { KeptLoop } from './loop.js'
import type { KeptProgress } from './progress.js'

/** What an earlier process had seen, as `snapshot()` says it: counts and digests, nothing of what was said. */
export interface PastHealth {
  readonly kept: { readonly [name: string]: Json } | null
}

/** What a watch goes on from. It and its parts are types, not interfaces: so they are `Json`. */
export type KeptHealth = {
  /** When it was read, Unix time in milliseconds. */
  readonly at: number
  /** Failures in a row. */
  readonly errors: number
  readonly budget: KeptLatch | null
  readonly wrong: KeptLatch | null
  readonly none: KeptLatch | null
  readonly progress: KeptProgress
  readonly calls: KeptCalls
  readonly sends: number
  readonly unmetered: number
}

type Fields = { readonly [name: string]: unknown }

/** @throws TypeError where it is not what a snapshot says */
export function readPast(past: PastHealth): KeptHealth | undefined {
  const { kept } = fieldsOf(past)
  if (kept === null) return undefined
  if (!isKept(fieldsOf(kept))) throw new TypeError('withHealth: past must be what snapshot() said of withHealth: { kept: {…} }')
  return structuredClone(kept) as KeptHealth
}

function isKept({ at, errors, budget, wrong, none, progress, calls, sends, unmetered }: Fields): boolean {
  const { calls: paid, ms } = fieldsOf(progress)
  const counts = [errors, sends, unmetered, paid].every(isCount) && [at, ms].every(Number.isFinite) && (ms as number) >= 0
  return counts && [budget, wrong, none].every(isLatch) && isCalls(fieldsOf(calls))
}

function isCalls({ calls, seen, turns, guarded, ids, polled }: Fields): boolean {
  const pairs = Array.isArray(polled) && polled.every(pair => isTexts(pair) && pair.length === 2)
  return pairs && [calls, seen, turns].every(isLoop) && [guarded, ids].every(isTexts)
}

function isLoop(value: unknown): boolean {
  const { keys, turning } = fieldsOf(value) as Partial<KeptLoop>
  const { period, times } = fieldsOf(turning)
  return isTexts(keys) && (turning === null || (isCount(period) && isCount(times)))
}

function isLatch(value: unknown): boolean {
  const { text, good } = fieldsOf(value)
  return value === null || (typeof text === 'string' && isCount(good))
}

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(text => typeof text === 'string')
