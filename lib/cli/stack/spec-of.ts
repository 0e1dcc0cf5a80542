import { dirname, resolve } from 'node:path'
import type { AgentConfig, Config, StackConfig } from '../config-schema.js'
import type { LoadedConfig } from '../config.js'
import { isPostgres } from '../ledger/open-ledger.js'
import { isPath } from './find-preset.js'
import { partsOf } from './stack-of.js'
import type { StackSpec } from './stack-spec.js'

/**
 * What a configuration says of a stack: of one of its agents, or of the one that `outrigger run` starts. What an agent says of a section takes
 * the place of the whole section; of `layers`, layer by layer. Its paths are absolute then: they start at the folder of the file.
 */
export function specOf({ file, config, named }: Pick<LoadedConfig, 'file' | 'config' | 'named'>, agent?: AgentConfig): StackSpec {
  if (agent?.use) return { use: agent.use }
  const off = agent ? switchedOff(agent) : []
  const top = without(config, off)
  const said = { ...given(top), ...(agent ? given(agent) : {}) }
  const { preset, policy, record, layers, ...rest } = said
  const at = (path: string): string => resolve(dirname(file), path)
  return {
    ...given({
      ...rest,
      preset: preset !== undefined && isPath(preset) ? at(preset) : preset,
      rules: typeof policy === 'string' ? at(policy) : policy,
      record: record === undefined ? undefined : at(record),
      layers: layers && { ...config.layers, ...layers },
    }),
    ...(preset !== undefined && !named && { presetBeside: true }),
    ...paying(top, agent, at),
  }
}

/** The sections of a configuration that are about a layer. */
export const sectionsOf = (layer: string): readonly string[] => (partsOf[layer] ?? []).map(part => (part === 'rules' ? 'policy' : part))

/** The layers that an agent does without: what is said of them at the top is not for it. */
const switchedOff = ({ layers = {}, signing }: AgentConfig): readonly string[] => [
  ...Object.keys(layers).filter(name => layers[name] === false),
  ...(signing === false ? ['withSigning'] : []),
]

function without(config: Config, layers: readonly string[]): Config {
  const sections = layers.flatMap(sectionsOf)
  return Object.fromEntries(Object.entries(config).filter(([name]) => !sections.includes(name)))
}

/** Books outlive the process, so that an account in them needs a name that does too. */
function paying(
  { ledger, account: common, agent: single }: Config,
  agent: AgentConfig | undefined,
  at: (path: string) => string,
): StackSpec {
  const account = agent?.account ?? common ?? (ledger === undefined ? undefined : (agent?.name ?? single?.name))
  return { ...(ledger !== undefined && { ledger: ledgerAt(ledger, at) }), ...(account !== undefined && { account }) }
}

const ledgerAt = (ledger: string, at: (path: string) => string): string => {
  if (isPostgres(ledger)) return ledger
  const [, scheme, path] = /^([a-z]{2,}):(.*)$/s.exec(ledger) ?? []
  return scheme === undefined || scheme === 'sqlite' ? `sqlite:${at(path ?? ledger)}` : ledger
}

const ofStack = ['preset', 'budget', 'rules', 'retry', 'signing', 'policy', 'record', 'layers', 'use'] as const

/** The parts that say something of a stack, without those that are not there. */
function given<T extends StackConfig | StackSpec>(parts: T): T {
  return Object.fromEntries(
    ofStack.flatMap(name => {
      const value = (parts as Readonly<Record<string, unknown>>)[name]
      return value === undefined ? [] : [[name, value]]
    }),
  ) as unknown as T
}
