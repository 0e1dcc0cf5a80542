import type { TokenUsage } from '../../core/types.js'
import type { Verdict } from '../../ctx/index.js'
import { visible } from '../../ctx/language/escape.js'
import { formatUsd } from '../../ledger/index.js'
import type { BudgetAmounts } from '../../server/types.js'
import type { Stop } from './stop-watch.js'
import type { RuleCount } from './tally.js'

/** What a governed command came to: the document of `--summary-file` and `--json`. */
export interface RunSummary {
  /** The command in a word. */
  readonly command: string
  readonly agent: string
  readonly preset: string | null
  /** What `outrigger run` exits with. */
  readonly exitCode: number
  /** How the command itself ended. */
  readonly ended: { readonly code: number | null; readonly signal: string | null }
  /** Why it was stopped, and how many requests were refused after that; `null` where it ended by itself. */
  readonly stopped: (Stop & { readonly refused: number }) | null
  readonly durationMs: number
  readonly calls: number
  readonly attempts: number
  readonly tokenUsage: TokenUsage
  /** What this run cost, integer nano-USD. */
  readonly nanoUsd: number
  /** Attempts without a known price: they are not in `nanoUsd`. */
  readonly unpriced: number
  /** What the budget says at the end: for an account that is older, of all its runs. */
  readonly budget: BudgetAmounts | 'unlimited' | null
  readonly utilization: number | null
  readonly saturation: number | null
  readonly violations: readonly RuleCount[]
  readonly record: { readonly dir: string; readonly records: number; readonly verdict: Verdict } | null
  /** Processes of the command that could not be ended. */
  readonly left: readonly number[]
}

/** The summary for a person, a line each. */
export function summaryLines(summary: RunSummary): readonly string[] {
  const { command, exitCode, stopped, durationMs, record, violations, left, calls, attempts } = summary
  return [
    `outrigger: ${visible(command)} ${endedWith(summary)} after ${seconds(durationMs)}; exit code ${exitCode}`,
    ...(stopped ? [`  stopped: ${visible(stopped.reason)}${stopped.refused > 0 ? `; ${stopped.refused} more refused` : ''}`] : []),
    `  ${counted(calls, 'call')} in ${counted(attempts, 'attempt')}, ${tokensOf(summary.tokenUsage)}`,
    `  ${moneyOf(summary)}`,
    ...shares(summary),
    ...violations.map(
      ({ ruleId, response, shadow, count }) => `  violations: ${visible(ruleId)} ${count} × ${shadow ? 'shadow' : response}`,
    ),
    record ? `  record: ${visible(record.dir)}, ${counted(record.records, 'record')}: ${record.verdict}` : '  record: none',
    ...(left.length > 0 ? [`  still there, they could not be ended: ${left.join(', ')}`] : []),
  ]
}

function endedWith({ ended: { code, signal } }: RunSummary): string {
  return signal === null ? `ended with ${code}` : `was ended by ${signal}`
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

const many = (n: number): string => n.toLocaleString('en-US')

const counted = (n: number, what: string): string => `${many(n)} ${what}${n === 1 ? '' : 's'}`

function tokensOf({ input, cacheRead, cacheWrite5m, cacheWrite1h, output, certainty }: TokenUsage): string {
  const parts = [
    `${counted(input, 'token')} in`,
    ...(cacheRead > 0 ? [`${many(cacheRead)} read from the cache`] : []),
    ...(cacheWrite5m > 0 ? [`${many(cacheWrite5m)} written to it for 5 minutes`] : []),
    ...(cacheWrite1h > 0 ? [`${many(cacheWrite1h)} written to it for 1 hour`] : []),
    `${many(output)} out`,
  ]
  return `${parts.join(', ')}${certainty === 'measured' ? '' : ` (${certainty})`}`
}

function moneyOf({ nanoUsd, unpriced, budget }: RunSummary): string {
  const left =
    budget === null || budget === 'unlimited' ? '' : `; $${formatUsd(budget.remaining)} of $${formatUsd(budget.allocated)} is left`
  return `$${formatUsd(nanoUsd)} spent${unpriced > 0 ? `, besides ${counted(unpriced, 'attempt')} without a known price` : ''}${left}`
}

function shares({ utilization, saturation }: RunSummary): readonly string[] {
  if (utilization === null || saturation === null) return []
  const percent = (share: number) => `${Math.round(share * 100)} %`
  return [
    `  ${percent(utilization)} of its time with the model (utilization), ${percent(saturation)} with the model or a tool (saturation)`,
  ]
}
