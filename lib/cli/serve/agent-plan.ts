import type { AgentSpec } from '../../server/admin/agent-spec.js'

/** An agent as it is to be served: as it was added, or as it stands in the configuration. */
export interface AgentPlan extends AgentSpec {
  /** A file that holds its token, in place of `token`. */
  readonly tokenFile?: string
}
