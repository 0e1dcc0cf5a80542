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
import { definePreset, type Preset } from '../../core/define-preset.js'
import { rules } from '../../policy/rules.js'
import type { Rule } from '../../policy/types.js'

const credentials: readonly string[] = ['.ssh', '.gnupg', '.aws', '.netrc', '.pgpass']

const usualRules = (): readonly Rule[] => [
  rules.files({ deny: credentials }),
  rules.content({ deny: ['secrets'], kinds: ['tool'], stages: ['action'] }),
]

/** The stack where no preset is named and none is installed: what `outrigger-preset-claude-code` makes; a test holds the two equal. */
export const usualStack: Preset = definePreset('the built-in stack', [
  ['withHealth', withHealth],
  ['withSigning', withSigning],
  ['withViolations', (given: Partial<WithViolationsOptions>) => withViolations({ rules: usualRules(), ...given })],
  ['withRetry', withRetry],
  ['withLimit', withLimit],
  ['withDeadline', (given: WithDeadlineOptions) => withDeadline({ firstTokenMs: 600_000, idleMs: 300_000, ...given })],
  ['withMetrics', withMetrics],
  ['withBudget', (given: Partial<WithBudgetOptions>) => withBudget({ usd: 10, whenShort: 'clamp', ...given })],
]) as unknown as Preset
