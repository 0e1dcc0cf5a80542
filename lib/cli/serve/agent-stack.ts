import {
  withBudget,
  type WithBudgetOptions,
  withDeadline,
  withHealth,
  withLimit,
  withMetrics,
  withRetry,
  withSigning,
  withViolations,
} from 'outrigger/middleware'
import { resolve } from 'node:path'
import type { LayerInput } from '../../core/types.js'
import type { Ledger } from '../../ledger/create-ledger.js'
import { loadPolicy } from '../../policy/index.js'
import type { AgentPlan } from './agent-plan.js'

/** What the stacks of one companion share. */
export interface StackGround {
  readonly cwd: string
  /** The folder of the records. */
  readonly record: string
  readonly ledger: Ledger
}

/** The layers of one agent, and what the snapshot says of them. */
export interface AgentStack {
  readonly use: readonly LayerInput[]
  readonly preset: string | null
  readonly record: string | null
}

/** The layers of an agent. */
export async function agentStack(plan: AgentPlan, { cwd, record, ledger }: StackGround): Promise<AgentStack> {
  const rules = plan.rules === undefined ? [] : (await loadPolicy(resolve(cwd, plan.rules))).rules
  const budget = { usd: 'unlimited', whenShort: 'clamp', ...plan.budget, ledger, account: plan.account ?? plan.name } as WithBudgetOptions
  const use = [
    withHealth(),
    withSigning({ dir: record }),
    withViolations({ rules }),
    withRetry(),
    withLimit(),
    withDeadline({ idleMs: 300_000 }),
    withMetrics(),
    withBudget(budget),
  ]
  return { use, preset: null, record }
}
