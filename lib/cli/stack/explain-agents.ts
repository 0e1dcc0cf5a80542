import { findOutriggerError } from '../../core/errors.js'
import { outsideAgent } from '../../server/outside-agent.js'
import { createSidecar } from '../../sidecar.js'
import type { ConfigProblem } from '../check-config.js'
import type { LoadedConfig } from '../config.js'
import type { AgentConfig, Config } from '../config-schema.js'
import { sectionsOf, specOf } from './spec-of.js'
import { type Around, stackOf } from './stack-of.js'

/** One agent of a configuration, as it would be served. */
export interface ExplainedAgent {
  readonly name: string
  readonly type: string
  readonly preset: string | null
  /** The folder of its record. */
  readonly record: string | null
  readonly account: string | null
  /** What `explain()` says: the chain of each kind, in order, with the options of each layer. */
  readonly explain: string
}

/** The agents of a configuration, and what is wrong with those that cannot be made. */
export interface Explained {
  readonly agents: readonly ExplainedAgent[]
  readonly problems: readonly ConfigProblem[]
}

/**
 * Makes the sidecar of every agent of a configuration, asks it to explain itself, and closes it; without `agents`, of the one that
 * `outrigger run` would serve. Nothing is sent, no books are opened and nothing is written.
 */
export async function explainAgents(loaded: LoadedConfig, around: Around): Promise<Explained> {
  const { agents: listed } = loaded.config
  const all = listed?.map((agent, at) => ({ agent, path: `/agents/${at}` })) ?? [{ agent: undefined, path: '' }]
  const agents: ExplainedAgent[] = []
  const problems: ConfigProblem[] = []
  for (const { agent, path } of all) {
    try {
      agents.push(await explained(loaded, agent, around))
    } catch (error) {
      problems.push(problemOf(error as Error, loaded.config, agent, path))
    }
  }
  return { agents, problems }
}

/** Where what is wrong stands, as far as the error tells: at the agent, else at the top, else the agent itself. */
function problemOf(error: Error, config: Config, agent: AgentConfig | undefined, path: string): ConfigProblem {
  const places = placesOf(error).flatMap(place => [
    ...(agent && has(agent, place) ? [`${path}/${place.join('/')}`] : []),
    ...(has(config, place) ? [`/${place.join('/')}`] : []),
  ])
  return { pointer: places[0] ?? path, message: agent ? `agent "${agent.name}": ${error.message}` : error.message }
}

function placesOf(error: Error): readonly (readonly string[])[] {
  const { part, layer, file } = (findOutriggerError(error)?.facts ?? {}) as Readonly<Record<string, string | undefined>>
  if (part !== undefined) return [[part]]
  if (layer !== undefined) return [['layers', layer], ...sectionsOf(layer).map(name => [name])]
  return file === undefined ? [] : [['policy']]
}

const has = (value: object, [key, ...rest]: readonly string[]): boolean => {
  const inner = (value as Readonly<Record<string, unknown>>)[key!]
  return rest.length === 0 ? inner !== undefined : typeof inner === 'object' && inner !== null && has(inner, rest)
}

async function explained(loaded: LoadedConfig, agent: AgentConfig | undefined, around: Around): Promise<ExplainedAgent> {
  const { claude, agent: single = {} } = loaded.config
  const { name = 'agent', type } = agent ?? single
  const { ledger: _, ...spec } = specOf(loaded, agent)
  const { use, close, ...about } = await stackOf(spec, around)
  const sidecar = createSidecar({ agent: outsideAgent(name, type), use, ...(claude && { claude }) })
  try {
    return { name, type: sidecar.type, ...about, explain: sidecar.explain() }
  } finally {
    await sidecar.close({ drainMs: 0 })
    await close()
  }
}
