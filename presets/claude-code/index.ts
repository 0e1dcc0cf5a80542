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
  type ToolsRuleOptions,
} from 'outrigger/policy'

/**
 * The stack of Claude Code behind a companion: measured, recorded, and held to ten US dollars, with rules that are not in the way of ordinary
 * work. Its first request asks for 64,000 output tokens: where those do not fit, fewer are asked for.
 */
export const claudeCode = definePreset('claude-code', [
  ['withHealth', withHealth],
  ['withSigning', withSigning],
  ['withViolations', (given: Partial<WithViolationsOptions>) => withViolations({ rules: claudeCodeRules(), ...given })],
  ['withRetry', withRetry],
  ['withLimit', withLimit],
  ['withDeadline', (given: WithDeadlineOptions) => withDeadline({ firstTokenMs: 600_000, idleMs: 300_000, ...given })],
  ['withMetrics', withMetrics],
  ['withBudget', (given: Partial<WithBudgetOptions>) => withBudget({ usd: 10, whenShort: 'clamp', ...given })],
])

/** What {@link claudeCode} takes first: by the name of a layer, its options, or `false`. */
export type ClaudeCodeOptions = PresetOptions<typeof claudeCode>

/** What {@link claudeCodeRules} takes: by the name of a rule, what it is made of; `false` leaves out one of its own. */
export interface ClaudeCodeRules {
  /** Default `{ deny: ['.ssh', '.gnupg', '.aws', '.netrc', '.pgpass'] }`: the file tools leave keys and passwords alone. */
  readonly files?: FilesRuleOptions | false
  /** Default `{ deny: ['secrets'], kinds: ['tool'], stages: ['action'] }`: no tool is called with a key or a token. */
  readonly content?: ContentRuleOptions | false
  /** Default: none. Claude Code asks its user. */
  readonly commands?: CommandsRuleOptions
  /** Default: none. */
  readonly network?: NetworkRuleOptions
  /** Default: none. */
  readonly tools?: ToolsRuleOptions
}

/**
 * The rules of {@link claudeCode}, with others in the place of those that are given. For more rules, put them behind: `[...claudeCodeRules(), mine]`.
 * @throws TypeError on an unknown name; what a rule throws on its options
 */
export function claudeCodeRules(given: ClaudeCodeRules = {}): readonly Rule[] {
  const { files, content, commands, network, tools, ...unknown } = given
  for (const name of Object.keys(unknown))
    throw new TypeError(`claudeCodeRules: unknown rule "${name}"; known are files, content, commands, network, tools`)
  return [
    files !== false && rules.files(files ?? { deny: ['.ssh', '.gnupg', '.aws', '.netrc', '.pgpass'] }),
    content !== false && rules.content(content ?? { deny: ['secrets'], kinds: ['tool'], stages: ['action'] }),
    commands && rules.commands(commands),
    network && rules.network(network),
    tools && rules.tools(tools),
  ].filter(isRule)
}

const isRule = (rule: Rule | false | undefined): rule is Rule => rule !== false && rule !== undefined

export default claudeCode
