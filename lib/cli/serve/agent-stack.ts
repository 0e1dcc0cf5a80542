import type { LayerInput } from '../../core/types.js'
import { type Around, stackOf, type StackSpec } from '../stack/stack-of.js'
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
export async function agentStack({ name, stack }: AgentPlan, { record, accounts, ...around }: StackGround): Promise<AgentStack> {
  // A configuration that makes the layers itself says what they pay from.
  if (stack.use) return { ...(await stackOf(stack, around)), open: async () => {} }
  const { account = name, ...spec } = stack
  if (spec.layers?.withBudget === false) return unpaid(spec, record, around)
  const books = await accounts.of(name, account)
  const { use, ...about } = await stackOf({ ...spec, account, ledger: books.ledger, ...recordOf(spec, record) }, around)
  return { use, preset: about.preset, record: about.record, open: () => books.open() }
}

/** Nothing is counted for an agent without a budget. */
async function unpaid({ ledger: _, ...spec }: StackSpec, record: string, around: Around): Promise<AgentStack> {
  return { ...(await stackOf({ ...spec, ...recordOf(spec, record) }, around)), open: async () => {} }
}

const recordOf = (spec: StackSpec, record: string): Pick<StackSpec, 'record'> =>
  spec.signing === false ? {} : { record: spec.record ?? record }
