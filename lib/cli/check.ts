import { findOutriggerError } from '../core/errors.js'
import { type Command, type CommandIo, exitCodes, UsageError } from './command.js'
import { configFiles, type LoadedConfig, loadConfig } from './config.js'
import type { Config } from './config-schema.js'

/** Headers may carry keys: their values are never printed. */
function printable({ claude, ...config }: Config): Config {
  if (!claude?.headers) return claude ? { claude, ...config } : config
  const headers = Object.fromEntries(Object.keys(claude.headers).map(name => [name, '(hidden)']))
  return { claude: { ...claude, headers }, ...config }
}

const document = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

function report(io: CommandIo, { file, config }: LoadedConfig): number {
  const shown = printable(config)
  io.stdout.write(io.options.json ? document({ ok: true, file, config: shown }) : `${file} is valid:\n${document(shown)}`)
  return exitCodes.fine
}

function reportFaults(io: CommandIo, error: unknown): number {
  const fault = findOutriggerError(error)
  if (fault?.code !== 'ERR_CONFIG') throw error
  const { file, findings } = fault.facts
  if (io.options.json) io.stdout.write(document({ ok: false, file, findings }))
  else io.stderr.write(`${fault.message}\n`)
  return exitCodes.failed
}

/** `outrigger check`: validates a configuration and prints it; every fault with its file, line and column. */
export const check: Command = {
  usage: '[--config FILE]',
  options: { config: { type: 'string', short: 'c', value: 'FILE', about: `the file to check; default: ${configFiles.join(', ')}` } },
  args: [0, 0],
  async run(io) {
    const { config } = io.options
    let loaded: LoadedConfig | undefined
    try {
      loaded = await loadConfig(io, typeof config === 'string' ? config : undefined)
    } catch (error) {
      return reportFaults(io, error)
    }
    if (!loaded) throw new UsageError(`no configuration here; create ${configFiles[0]}, or name one with --config FILE`)
    return report(io, loaded)
  },
}
