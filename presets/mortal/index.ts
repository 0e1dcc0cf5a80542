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
import {
  type CommandsRuleOptions,
  type ContentRuleOptions,
  type FilesRuleOptions,
  type NetworkRuleOptions,
  type Rule,
  rules,
} from 'outrigger/policy'

/**
 * The stack of a task worker: an agent that does one task, within a hard budget of one US dollar and rules that allow little. It runs no
 * command, reaches no host, starts no child, and reads and writes below the working directory alone.
 */
export const mortal = definePreset('mortal', [
  ['withHealth', withHealth],
  ['withSigning', withSigning],
  ['withViolations', (given: Partial<WithViolationsOptions>) => withViolations({ rules: mortalRules(), ...given })],
  ['withRetry', withRetry],
  ['withLimit', withLimit],
  ['withDeadline', (given: WithDeadlineOptions) => withDeadline({ firstTokenMs: 600_000, idleMs: 300_000, ...given })],
  ['withMetrics', withMetrics],
  ['withBudget', (given: Partial<WithBudgetOptions>) => withBudget({ usd: 1, ...given })],
])

/** What {@link mortal} takes first: by the name of a layer, its options, or `false`. */
export type MortalOptions = PresetOptions<typeof mortal>

/** What {@link mortalRules} takes: by the name of a rule, what it is made of. */
export interface MortalRules {
  /** Default `{ allow: [] }`: no command runs. */
  readonly commands?: CommandsRuleOptions
  /** Default `{ read: ['.'], write: ['.'] }`: below the working directory of the process, at the time of the call. */
  readonly files?: FilesRuleOptions
  /** Default `{ allow: 'none' }`: no host is reached. */
  readonly network?: NetworkRuleOptions
  /** Default `{ deny: ['secrets'] }`. */
  readonly content?: ContentRuleOptions
  /** Default 0. */
  readonly maxChildren?: number
  /** The most output tokens that a request may ask for. Default 32,000. */
  readonly maxTokens?: number
}

/**
 * The rules of {@link mortal}, with another one in the place of each that is given. For more rules, put them behind: `[...mortalRules(), mine]`.
 * @throws TypeError on an unknown name; what a rule throws on its options
 */
export function mortalRules(given: MortalRules = {}): readonly Rule[] {
  const { commands, files, network, content, maxChildren = 0, maxTokens = 32_000, ...unknown } = given
  for (const name of Object.keys(unknown))
    throw new TypeError(`mortalRules: unknown rule "${name}"; known are commands, files, network, content, maxChildren, maxTokens`)
  return [
    rules.commands(commands ?? { allow: [] }),
    rules.files(files ?? { read: ['.'], write: ['.'] }),
    rules.network(network ?? { allow: 'none' }),
    rules.content(content ?? { deny: ['secrets'] }),
    rules.maxChildren(maxChildren),
    rules.maxTokens(maxTokens),
  ]
}

export default mortal
