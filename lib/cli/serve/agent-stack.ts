import type { LayerInput } from '../../core/types.js'
import { type Around, stackOf } from '../stack/stack-of.js'
import type { AgentAccounts } from './agent-account.js'
import type { AgentPlan } from './agent-plan.js'

/** What the stacks of one companion share. */
export interface StackGround extends Around {
  /** The folder of the records, absolute. */
  readonly record: string
  readonly accounts: AgentAccounts
}

/** The layers of one agent, and what the snapshot says of them. */
export interface AgentStack {
  readonly use: readonly LayerInput[]
  readonly preset: string | null
  readonly record: string | null
  /** Opens its account: to be called when the sidecar is made. */
  open(): Promise<void>
}

/** The layers of an agent, on the books that all agents share. @throws ConfigError that says what is wrong with the plan */
export async function agentStack(plan: AgentPlan, { record, accounts, ...around }: StackGround): Promise<AgentStack> {
  const { name, account = name, preset, budget, rules, retry, signing, layers = {} } = plan
  const books = await accounts.of(name, account)
  const withBudget = { ...layers.withBudget, ledger: books.ledger }
  const spec = { preset, budget: budget as never, rules, retry, signing, account, layers: { ...layers, withBudget } }
  const { use, ...about } = await stackOf({ ...spec, ...(signing === false ? {} : { record: plan.record ?? record }) }, around)
  return { use, preset: about.preset, record: about.record, open: () => books.open() }
}
