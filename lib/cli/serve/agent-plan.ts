import type { AgentSpec } from '../../server/admin/agent-spec.js'
import type { StackSpec } from '../stack/stack-spec.js'

/** An agent as it is to be served: as it was added, or as it stands in the configuration. */
export interface AgentPlan extends Pick<StackSpec, 'rules' | 'retry' | 'signing' | 'layers' | 'record'>, Omit<AgentSpec, 'rules'> {
  /** A file that holds its token, in place of `token`. */
  readonly tokenFile?: string
}
