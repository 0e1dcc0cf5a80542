import { findOutriggerError } from '../core/errors.js'
import { type Command, type CommandIo, exitCodes, UsageError } from './command.js'
import { configFiles, type LoadedConfig, loadConfig } from './config.js'
import { type Config, configSchema } from './config-schema.js'
import { type ExplainedAgent, explainAgents } from './stack/explain-agents.js'

/** Headers may carry keys: their values are never printed. */
function printable({ claude, ...config }: Config): Config {
  if (!claude?.headers) return claude ? { claude, ...config } : config
  const headers = Object.fromEntries(Object.keys(claude.headers).map(name => [name, '(hidden)']))
  return { claude: { ...claude, headers }, ...config }
}

const document = (value: unknown): string => `${JSON.stringify(value, plain, 2)}\n`

/** A module may hold what is no JSON: a log, a price table of a class of its own. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'function') return '(function)'
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null ? value : '(object)'
}

function report(io: CommandIo, { file, config }: LoadedConfig, agents: readonly ExplainedAgent[]): number {
  const shown = printable(config)
  if (io.options.json) io.stdout.write(document({ ok: true, file, config: shown, agents }))
  else io.stdout.write([`${file} is valid:\n${document(shown)}`, ...agents.map(told)].join('\n'))
  return exitCodes.fine
}

function told({ name, preset, record, account, explain }: ExplainedAgent): string {
  const facts = [
    `preset ${preset ?? 'none'}`,
    record === null ? 'no folder of records' : `record in ${record}`,
    ...(account === null ? [] : [`account ${account}`]),
  ]
  return `${name}: ${facts.join(', ')}\n${indented(explain)}\n`
}

const indented = (text: string): string => text.trimEnd().replace(/^(?=.)/gm, '  ')

function reportFaults(io: CommandIo, error: unknown): number {
  const fault = findOutriggerError(error)
  if (fault?.code !== 'ERR_CONFIG') throw error
  const { file, findings } = fault.facts
  if (io.options.json) io.stdout.write(document({ ok: false, file, findings }))
  else io.stderr.write(`${fault.message}\n`)
  return exitCodes.failed
}

/** Loads it, and makes what it describes. @throws ConfigError with every fault */
async function checked(io: CommandIo): Promise<{ readonly loaded: LoadedConfig; readonly agents: readonly ExplainedAgent[] } | undefined> {
  const { config } = io.options
  const loaded = await loadConfig(io, typeof config === 'string' ? config : undefined)
  if (!loaded) return undefined
  const { agents, problems } = await explainAgents(loaded, io)
  if (problems.length > 0) throw loaded.refused!(problems)
  return { loaded, agents }
}

/** `outrigger check`: validates a configuration, prints it and explains the chain of every agent; every fault with its file, line and column. */
export const check: Command = {
  usage: '[--config FILE] [--schema]',
  options: {
    config: { type: 'string', short: 'c', value: 'FILE', about: `the file to check; default: ${configFiles.join(', ')}` },
    schema: { type: 'boolean', about: 'print the JSON schema of a configuration, for editors, and check nothing' },
  },
  args: [0, 0],
  async run(io) {
    if (io.options.schema) {
      io.stdout.write(document(configSchema))
      return exitCodes.fine
    }
    try {
      const found = await checked(io)
      if (found) return report(io, found.loaded, found.agents)
    } catch (error) {
      return reportFaults(io, error)
    }
    throw new UsageError(`no configuration here; create ${configFiles[0]}, or name one with --config FILE`)
  },
}
