import { wholeNumber } from '../check-options.js'

/** How much of an answer the guarded `fetch` takes, and how long it waits for it. */
export interface FetchLimits {
  /** Bytes of a body, decompressed. */
  readonly maxBytes: number
  /** Milliseconds until the head of the answer is there, the question for the address included. */
  readonly headersMs: number
  /** Milliseconds that are waited for the next part of the body. */
  readonly idleMs: number
  /** Milliseconds that are waited for one answer in all. The time that a reader takes between two parts does not count. */
  readonly maxMs: number
}

/** 64 MiB; as long as the platform's `fetch` waits for a head and for a part of the body; and ten minutes in all. */
export const usualLimits: FetchLimits = Object.freeze({ maxBytes: 67_108_864, headersMs: 300_000, idleMs: 300_000, maxMs: 600_000 })

/** The names of the limits. */
export const limitNames: readonly (keyof FetchLimits)[] = ['maxBytes', 'headersMs', 'idleMs', 'maxMs']

/** Limits as they take effect. @throws TypeError or RangeError on one that is no whole number from 1 */
export function fetchLimits(where: string, given: Partial<FetchLimits>): FetchLimits {
  return limitsOf(name => wholeNumber(where, name, given[name] === undefined ? usualLimits[name] : given[name], 1))
}

/** Of several limits, the lowest of each. `undefined` where there are none. */
export function lowestLimits(all: readonly FetchLimits[]): FetchLimits | undefined {
  return all.length === 0 ? undefined : limitsOf(name => Math.min(...all.map(limits => limits[name])))
}

function limitsOf(value: (name: keyof FetchLimits) => number): FetchLimits {
  return Object.freeze({ maxBytes: value('maxBytes'), headersMs: value('headersMs'), idleMs: value('idleMs'), maxMs: value('maxMs') })
}
