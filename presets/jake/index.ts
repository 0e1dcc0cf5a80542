import { definePreset, type PresetOptions } from 'outrigger'
import { withBudget, type WithBudgetOptions, withMetrics, withRetry } from 'outrigger/middleware'

/**
 * The stack of a coordinator.
 */
export const jake = definePreset('jake', [
  ['withRetry', withRetry],
  ['withMetrics', withMetrics],
  ['withBudget', (options: Partial<WithBudgetOptions>) => withBudget({ usd: 'unlimited', ...options })],
])

/** What {@link jake} takes. */
export type JakeOptions = PresetOptions<typeof jake>

export default jake
