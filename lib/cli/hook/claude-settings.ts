import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { UsageError } from '../command.js'
import { findClaude } from './claude-command.js'
import { type Env, objectIn, offIn, offInFiles, type ReadText } from './hooks-off.js'

type Fields = { readonly [name: string]: unknown }

/** The world around a start of Claude Code. */
export interface HookPlaces {
  /** What it is started with: says where the settings of the user are. Default: nothing, so that those are not looked at. */
  readonly env?: Env
  /**
   * Writes the settings down and gives the path. Default: they stand in the command line, which other users of the machine can read; of a
   * settings file of the user's, that may be more than its owner wants.
   */
  readonly place?: (settings: string) => string
  /** Default: from the disk. */
  readonly read?: ReadText
}

/** The limit that Claude Code sets to a run of the hook, in seconds: beyond it the tool would run, so it is far longer than the hook's own. */
const limitSeconds = 60

/** Is it Claude Code that this command line starts: `claude`, a path to it, `npx claude`? */
export function isClaude(command: readonly string[]): boolean {
  return findClaude(command) !== undefined
}

/**
 * The command line of Claude Code with our hook in its settings, those of the user's `--settings` merged in. No file is changed.
 * @param hookCommand - the words that start `outrigger hook`
 * @throws UsageError where the hook would not be run: `--bare`, hooks that are turned off, settings that cannot be read
 */
export function withHook(
  command: readonly string[],
  hookCommand: readonly string[],
  cwd: string,
  { env = {}, place, read = readText }: HookPlaces = {},
): readonly string[] {
  const claude = findClaude(command)
  if (!claude) throw new UsageError('the command does not start Claude Code; write claude, or a path to it')
  if (claude.swallows) throw new UsageError('npm takes the options of claude for its own; write npx claude, or npm exec -- claude')
  const from = claude.at + 1
  const { given, others } = takenApart(command.slice(from))
  checkBare(others, env)
  const settings = given === undefined ? {} : settingsOf(given, cwd, read)
  checkOff(settings, cwd, env, read)
  const merged = JSON.stringify(merge(settings, hookCommand))
  return [...command.slice(0, from), '--settings', place ? place(merged) : merged, ...others]
}

/** The last `--settings` is the one that counts; what stands behind `--` is the prompt. */
function takenApart(args: readonly string[]): { readonly given: string | undefined; readonly others: readonly string[] } {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  checkEnd(args, end)
  const others: string[] = []
  let given: string | undefined
  for (let at = 0; at < end; at++) {
    const word = args[at]!
    if (word !== '--settings' && !word.startsWith('--settings=')) {
      others.push(word)
      continue
    }
    given = word === '--settings' ? args[++at] : word.slice('--settings='.length)
    if (!given || at >= end) throw new UsageError('--settings needs a value: a file, or JSON')
  }
  return { given, others: [...others, ...args.slice(end)] }
}

/** Where an option takes `--` for its value, what stands behind it are options again. */
function checkEnd(args: readonly string[], end: number): void {
  const isOption = (word: string) => word === '--bare' || word === '--settings' || word.startsWith('--settings=')
  if (end > 0 && args[end - 1]!.startsWith('-') && args.slice(end + 1).some(isOption))
    throw new UsageError(
      `whether --settings and --bare behind -- are options is not clear after ${args[end - 1]}; write it with its value first`,
    )
}

function checkBare(args: readonly string[], env: Env): void {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  if (args.slice(0, end).some(word => word === '--bare' || word.startsWith('--bare=')))
    throw new UsageError('--bare turns hooks off; leave it out')
  if (env.CLAUDE_CODE_SIMPLE) throw new UsageError('CLAUDE_CODE_SIMPLE turns hooks off; take it out of the environment')
}

function settingsOf(given: string, cwd: string, read: ReadText): Fields {
  const isInline = /^\s*\{[\s\S]*\}\s*$/.test(given)
  const text = isInline ? given : read(resolve(cwd, given))
  if (text === undefined) throw new UsageError('the file of --settings cannot be read')
  const settings = objectIn(text)
  if (!settings) throw new UsageError(`--settings is no JSON object${isInline ? '' : ', neither itself nor the file'}`)
  return settings
}

function checkOff(settings: Fields, cwd: string, env: Env, read: ReadText): void {
  const how = offIn(settings)
  if (how) throw new UsageError(`--settings: ${how}; take it out`)
  const off = offInFiles(cwd, env, read)
  if (off) throw new UsageError(`${off.file}: ${off.how}; take it out`)
}

/** Hooks of the user for the same events stay: Claude Code runs all of them, and one denial is enough. */
function merge(settings: Fields, hookCommand: readonly string[]): Fields {
  const { hooks = {} } = settings
  if (typeof hooks !== 'object' || hooks === null || Array.isArray(hooks)) throw new UsageError('--settings: "hooks" must be an object')
  const ours = { matcher: '*', hooks: [{ type: 'command', command: hookCommand.map(quoted).join(' '), timeout: limitSeconds }] }
  const added = (event: string) => [...listOf(event, (hooks as Fields)[event]), ours]
  return { ...settings, hooks: { ...hooks, PreToolUse: added('PreToolUse'), PostToolUse: added('PostToolUse') } }
}

function listOf(event: string, value: unknown): readonly unknown[] {
  if (value !== undefined && !Array.isArray(value)) throw new UsageError(`--settings: "hooks.${event}" must be a list`)
  return value ?? []
}

/** As a shell takes it for one word. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
