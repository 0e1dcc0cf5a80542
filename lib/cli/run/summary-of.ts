import type { Verification } from '../../ctx/index.js'
import type { BudgetAmounts } from '../../server/types.js'
import type { Companion } from './companion.js'
import type { RunSummary } from './summary.js'
import type { Tally } from './tally.js'

/** What layers show of themselves, where they are in the stack. */
interface Shown {
  readonly budget?: { readonly nanoUsd: BudgetAmounts | 'unlimited' }
  readonly metrics?: { readonly calls: number; readonly attempts: number }
  readonly utilization?: number
  readonly saturation?: number
  verify?(): Promise<Verification>
}

/** What is known of a run besides what its sidecar tells. */
export type RunFacts = Pick<RunSummary, 'command' | 'exitCode' | 'ended' | 'stopped' | 'durationMs' | 'left'>

/** The summary of a run whose sidecar has been closed: everything is settled, and the record is complete. */
export async function summaryOf(facts: RunFacts, { agent, stack }: Companion, tally: Tally): Promise<RunSummary> {
  const shown = agent.sidecar as Shown
  const { metrics, budget, utilization = null, saturation = null } = shown
  return {
    ...facts,
    agent: agent.name,
    preset: stack.preset,
    calls: metrics?.calls ?? 0,
    attempts: metrics?.attempts ?? 0,
    tokenUsage: agent.sidecar.tokenUsage,
    nanoUsd: tally.nanoUsd,
    unpriced: tally.unpriced,
    budget: budget?.nanoUsd ?? null,
    utilization,
    saturation,
    violations: tally.violations,
    record: stack.record === null ? null : await recordIn(stack.record, shown),
  }
}

/** A log that cannot be verified is no good one. */
async function recordIn(dir: string, shown: Shown): Promise<RunSummary['record']> {
  const none = { records: 0, verdict: 'bad' as const }
  const { records, verdict } = (await shown.verify?.().catch(() => undefined)) ?? none
  return { dir, records, verdict }
}
