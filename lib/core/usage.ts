import type { Certainty, TokenUsage } from './types.js'

/** Nothing used, and that is certain. */
export const noUsage: TokenUsage = Object.freeze({
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  certainty: 'measured',
})

/** The less certain of two: `unknown`, then `estimated`, then `measured`. */
export function worseCertainty(a: Certainty, b: Certainty): Certainty {
  if (a === 'unknown' || b === 'unknown') return 'unknown'
  return a === 'estimated' || b === 'estimated' ? 'estimated' : 'measured'
}

/** Adds two usages class by class; the sum is as certain as the less certain one. */
export function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite5m: a.cacheWrite5m + b.cacheWrite5m,
    cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
    certainty: worseCertainty(a.certainty, b.certainty),
  }
}
