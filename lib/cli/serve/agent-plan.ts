import { join } from 'node:path'
import type { AgentSpec } from '../../server/admin/agent-spec.js'
import type { LoadedConfig } from '../config.js'
import type { AgentConfig } from '../config-schema.js'
import { specOf } from '../stack/spec-of.js'
import type { StackSpec } from '../stack/stack-spec.js'

/** An agent as it is to be served: as it was added, or as it stands in the configuration. */
export interface AgentPlan {
  readonly name: string
  readonly type?: string
  readonly token?: string
  /** A file that holds its token, in place of `token`. */
  readonly tokenFile?: string
  readonly stack: StackSpec
}

/** What plans are read against: a configuration, or an empty one of the folder. */
export type Ground = Pick<LoadedConfig, 'file' | 'config' | 'named'>

/** Where nothing is configured: paths start at the working directory. */
export const emptyGround = (cwd: string): Ground => ({ file: join(cwd, 'outrigger.config.json'), config: {}, named: false })

/** An agent of the configuration. */
export function configuredPlan(ground: Ground, agent: AgentConfig): AgentPlan {
  const { name, type, tokenFile } = agent
  return { name, stack: specOf(ground, agent), ...(type === undefined ? {} : { type }), ...(tokenFile === undefined ? {} : { tokenFile }) }
}

/** An agent of the admin API: what it does not say, the configuration says for all. */
export function addedPlan(ground: Ground, { rules, token, ...spec }: AgentSpec): AgentPlan {
  const agent = { ...spec, ...(rules === undefined ? {} : { policy: rules }) }
  // Whoever holds the admin token names a preset with the word of the operator.
  const said = spec.preset === undefined ? ground : { ...ground, named: true }
  return { ...configuredPlan(said, agent), ...(token === undefined ? {} : { token }) }
}
