import { definePreset, type PresetOptions } from 'outrigger'
import {
  withBudget,
  type WithBudgetOptions,
  withDeadline,
  type WithDeadlineOptions,
  withHealth,
  withLimit,
  withMetrics,
  withRetry,
  withSigning,
  withViolations,
  type WithViolationsOptions,
} from 'outrigger/middleware'
import { rules } from 'outrigger/policy'

/**
 * The stack of a coordinator: an agent that lives long and has others do the work. Measured and recorded; held to ten children at a time, and
 * to the rule of every stack that it leaves alone what binds it. Its budget is unlimited until you say another.
 */
export const jake = definePreset('jake', [
  ['withHealth', withHealth],
  ['withSigning', withSigning],
  ['withViolations', (given: Partial<WithViolationsOptions>) => withViolations({ rules: [rules.maxChildren(10)], ...given })],
  ['withRetry', withRetry],
  ['withLimit', withLimit],
  ['withDeadline', (given: WithDeadlineOptions) => withDeadline({ idleMs: 300_000, ...given })],
  ['withMetrics', withMetrics],
  ['withBudget', (given: Partial<WithBudgetOptions>) => withBudget({ usd: 'unlimited', ...given })],
])

/** What {@link jake} takes first: by the name of a layer, its options, or `false`. */
export type JakeOptions = PresetOptions<typeof jake>

export default jake
