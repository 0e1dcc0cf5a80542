import { ConfigError, isOutriggerError } from '../core/errors.js'
import { type Command, type CommandEntry, type CommandOption, exitCodes, type Io, UsageError } from './command.js'
import { commands as allCommands } from './commands.js'
import { commandHelp, globalHelp } from './help.js'
import { nearest } from './nearest.js'
import { parseOptions } from './parse-options.js'
import { version } from './version.js'

const shared: Readonly<Record<string, CommandOption>> = {
  json: { type: 'boolean', about: 'print one JSON document and nothing else' },
  help: { type: 'boolean', short: 'h', about: 'print this help' },
}

/** What `--json` of a command is, the command may say itself. */
const sharedBeside = ({ options }: Command): Readonly<Record<string, CommandOption>> =>
  Object.fromEntries(Object.entries(shared).filter(([name]) => !Object.hasOwn(options, name)))

function find(name: string, { commands, name: program }: Program): CommandEntry {
  const entry = commands.find(candidate => candidate.name === name)
  if (entry) return entry
  const kind = name.startsWith('-') ? 'option' : 'command'
  const meant = nearest(name, kind === 'option' ? ['--help', '--version'] : commands.map(candidate => candidate.name))
  throw new UsageError(`unknown ${kind} "${name}"; ${meant ? `did you mean ${meant}?` : `see ${program} --help`}`)
}

/** A name and the commands behind it: the program itself, or a group. */
interface Program {
  readonly name: string
  readonly commands: readonly CommandEntry[]
}

async function call(entry: CommandEntry, argv: readonly string[], io: Io, program: string): Promise<number> {
  if ('commands' in entry) return dispatch(argv, io, { name: `${program} ${entry.name}`, commands: entry.commands })
  const loaded = await entry.load()
  const command: Command = { ...loaded, options: { ...loaded.options, ...sharedBeside(loaded) }, run: loaded.run }
  const parsed = parseOptions(argv, command, `${program} ${entry.name}`)
  if (parsed.options.help) {
    io.stdout.write(commandHelp(entry, command, program))
    return exitCodes.fine
  }
  return command.run({ ...io, ...parsed })
}

async function dispatch([name, ...argv]: readonly string[], io: Io, program: Program): Promise<number> {
  if (name === undefined) throw new UsageError(`no command; see ${program.name} --help`)
  if (name === 'help' && argv[0] !== undefined) return call(find(argv[0], program), [...argv.slice(1), '--help'], io, program.name)
  if (name === '--help' || name === '-h' || name === 'help') io.stdout.write(globalHelp(program.commands, program.name))
  else if (name === '--version' || name === '-v') io.stdout.write(`${version}\n`)
  else return call(find(name, program), argv, io, program.name)
  return exitCodes.fine
}

/** What was written on the command line, or in the configuration, is wrong. */
const wrongUse = ['ERR_CONFIG', 'ERR_CTX_PARSE', 'ERR_CTX_UNSUPPORTED'] as const
const stops = ['ERR_BUDGET', 'ERR_LANDED', 'ERR_VIOLATION', 'ERR_PAUSED', 'ERR_REAPED'] as const

function codeOf(error: unknown, signal: AbortSignal): number {
  if (error instanceof UsageError || wrongUse.some(code => isOutriggerError(error, code))) return exitCodes.usage
  if (stops.some(code => isOutriggerError(error, code))) return exitCodes.stopped
  return signal.aborted ? exitCodes.interrupted : exitCodes.failed
}

const oneLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, ' ')

/** A configuration has all its faults, a line each; anything else is one line. */
const linesOf = (error: unknown): string =>
  error instanceof ConfigError ? error.message.trim().replace(/\s*\n\s*/g, '\n') : oneLine(error)

const below = (error: unknown): string => (error instanceof UsageError ? error.below.map(line => `${line}\n`).join('') : '')

/**
 * Runs a command line, without the program's name, and resolves to the exit code: 0 fine, 1 it failed, 2 wrong use, 125 the sidecar
 * stopped the command, 130 interrupted. Never rejects: an error becomes one line on `stderr`, a configuration
 * a line for each fault, and where it points at something, what it points at.
 */
export async function main(
  argv: readonly string[],
  io: Io,
  commands: readonly CommandEntry[] = allCommands,
  program: string = 'outrigger',
): Promise<number> {
  try {
    return await dispatch(argv, io, { name: program, commands })
  } catch (error) {
    io.stderr.write(`${program}: ${linesOf(error)}\n${below(error)}`)
    return codeOf(error, io.signal)
  }
}
