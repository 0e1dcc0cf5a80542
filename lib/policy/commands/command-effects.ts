import { placeOf } from '../network/hosts.js'
import { type Analysis, analyse, type Run } from './shell/analyse.js'
import { isPosix } from './shell/dialect.js'
import { shellParser } from './shell/load-parser.js'
import { understand } from './shell/understand.js'
import type { Argument } from './shell/words.js'

/** A program that a command would run. */
export interface ProgramEffect {
  readonly name: string
  /** Its arguments; `undefined` for one that only a running shell knows. */
  readonly args: readonly (string | undefined)[]
  /** It runs code that stands in files or packages, as most projects do or otherwise. */
  readonly code?: 'usual' | 'other'
  /** No table knows it. */
  readonly unknown?: true
}

/** What a command of the shell would do, as far as its text tells. */
export interface CommandEffects {
  /** In the order of the text; behind a wrapper or a shell stand those that it runs. */
  readonly programs: readonly ProgramEffect[]
  /** Files that it reads and writes by redirection. */
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  /** Variables that it sets. */
  readonly variables: readonly string[]
  /** Hosts of the URLs among the arguments. */
  readonly hosts: readonly string[]
  /** Parts that cannot be analysed, and why. Where there are any, the rest is not complete. */
  readonly unclear: readonly string[]
}

type Growing = { -readonly [Key in keyof CommandEffects]: CommandEffects[Key][number][] }

const deepest = 6

/**
 * What a command of the shell, bash, would do: what `rules.commands` judges, to be shown or judged by a rule of your own. Nothing is run.
 * It takes a bounded time for any text.
 */
export async function commandEffects(command: string): Promise<CommandEffects> {
  const parser = await shellParser()
  const found: Growing = { programs: [], reads: [], writes: [], variables: [], hosts: [], unclear: [] }
  const look = (text: string, depth: number): void => {
    const analysis = analyse(parser, text, true)
    add(found, analysis)
    for (const run of analysis.runs) addRun(found, run, depth, look)
  }
  look(command, 0)
  return { ...found, hosts: [...new Set(found.hosts)] }
}

function add(found: Growing, { reads, writes, sets, unclear }: Analysis): void {
  found.reads.push(...reads)
  found.writes.push(...writes.map(({ file }) => file))
  found.variables.push(...sets)
  if (unclear !== undefined) found.unclear.push(unclear)
}

function addRun(found: Growing, run: Run, depth: number, look: (text: string, depth: number) => void): void {
  const { refused, inner, text, code, unknown } = understand(run)
  found.programs.push({ name: run.name, args: run.args.map(arg => arg.text), ...(code && { code }), ...(unknown && { unknown }) })
  found.hosts.push(...run.args.flatMap(hostOf))
  if (refused !== undefined) found.unclear.push(refused)
  if ((inner || text) && depth >= deepest) found.unclear.push('the command nests too much')
  else if (inner) addRun(found, inner, depth + 1, look)
  else if (text && !text.isBash && !isPosix(text.text)) found.unclear.push('the command holds a text that shells read differently')
  else if (text) look(text.text, depth + 1)
}

function hostOf({ text }: Argument): readonly string[] {
  if (text === undefined || !/^https?:/i.test(text)) return []
  const place = placeOf(text)
  return typeof place === 'string' ? [] : [place.host]
}
