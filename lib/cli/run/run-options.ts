import { existsSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { parseUsd } from '../../ledger/money.js'
import { type CommandIo, type CommandOption, UsageError } from '../command.js'

/** The options of `outrigger run`. */
export const runOptions: Readonly<Record<string, CommandOption>> = {
  preset: { type: 'string', short: 'p', value: 'P', about: 'the preset of layers; default: claude-code' },
  budget: {
    type: 'string',
    short: 'b',
    value: 'USD',
    about: 'what may be spent, in US dollars; default: what the configuration or the preset says',
  },
  config: {
    type: 'string',
    short: 'c',
    value: 'FILE',
    about: 'the configuration; default: outrigger.config.json of this folder; one that is code must be named',
  },
  'key-file': { type: 'string', value: 'FILE', about: 'a file that holds the key and that you alone can read (0600)' },
  'key-command': { type: 'string', value: 'CMD', about: 'a command that prints the key, as of a keychain; run without a shell' },
  'base-url': { type: 'string', value: 'URL', about: 'where Claude is; default: ANTHROPIC_BASE_URL, else https://api.anthropic.com' },
  policy: { type: 'string', value: 'FILE', about: 'the rules; default: those of the project' },
  ledger: {
    type: 'string',
    value: 'S',
    about: 'books that outlive the run: sqlite:FILE, the file alone, or postgres://…; needs --account',
  },
  account: { type: 'string', value: 'ID', about: 'the account of those books that pays' },
  record: { type: 'string', value: 'DIR', about: 'the folder of the signed record; default: .context' },
  'stop-after': {
    type: 'string',
    value: 'N',
    about: 'further refused requests until a command that is to be stopped is ended; default: 3',
  },
  'grace-ms': { type: 'string', value: 'MS', about: 'milliseconds until then, at most; default: 10000' },
  control: { type: 'boolean', about: 'outrigger top may also resume; the command, if it looks for it, too' },
  'summary-file': { type: 'string', value: 'FILE', about: 'writes the summary there, as one JSON document' },
  json: { type: 'boolean', about: 'the summary is one line of JSON, the last one on stderr: stdout is the command’s own' },
}

/** A command line that is in order. */
export interface RunSettings {
  readonly command: readonly string[]
  /** The command in a word: never its arguments, which may be a prompt. */
  readonly name: string
  readonly stopAfter: number
  readonly graceMs: number
  /** Absolute. */
  readonly summaryFile: string | undefined
}

/** @throws UsageError that says the value and the fix */
export function runSettings({ args: [early], options, rest, cwd }: CommandIo): RunSettings {
  const [program, ...args] = rest ?? []
  if (early !== undefined)
    throw new UsageError(`"${early}" stands before the --; the command begins behind it, as in: outrigger run -- claude`)
  if (!program) throw new UsageError('no command; write it behind --, as in: outrigger run --budget 2 -- claude')
  checkBudget(options.budget)
  return {
    command: [program, ...args],
    name: basename(program) || program,
    stopAfter: whole('stop-after', options['stop-after'], 3),
    graceMs: whole('grace-ms', options['grace-ms'], 10_000),
    summaryFile: summaryFile(options['summary-file'], cwd),
  }
}

function checkBudget(usd: string | boolean | undefined): void {
  if (typeof usd !== 'string' || usd === 'unlimited') return
  try {
    parseUsd(usd)
  } catch (error) {
    throw new UsageError(`--budget: ${(error as Error).message}`)
  }
}

function whole(option: string, given: string | boolean | undefined, usual: number): number {
  if (given === undefined) return usual
  if (!/^\d{1,9}$/.test(String(given))) throw new UsageError(`--${option} must be a whole number, 0 or more, not ${given}`)
  return Number(given)
}

function summaryFile(given: string | boolean | undefined, cwd: string): string | undefined {
  if (typeof given !== 'string') return undefined
  const path = resolve(cwd, given)
  if (!existsSync(dirname(path))) throw new UsageError(`--summary-file: there is no folder ${dirname(given)}; make it first`)
  return path
}
