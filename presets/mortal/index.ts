import { definePreset, type PresetOptions } from 'outrigger'
import { withBudget, type WithBudgetOptions, withMetrics, withRetry } from 'outrigger/middleware'

/**
 * The stack of a task worker.
 */
export const mortal = definePreset('mortal', [
  ['withRetry', withRetry],
  ['withMetrics', withMetrics],
  ['withBudget', (options: Partial<WithBudgetOptions>) => withBudget({ usd: 1, ...options })],
])

/** What {@link mortal} takes. */
export type MortalOptions = PresetOptions<typeof mortal>

export default mortal
