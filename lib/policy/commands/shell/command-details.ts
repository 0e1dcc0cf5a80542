import { shown } from '../../check-options.js'
import { type Analysis, analyse, type Run } from './analyse.js'
import { isPosix } from './dialect.js'
import { allows, denies, type Entry, isNamedBy } from './entries.js'
import type { ShellParser } from './load-parser.js'
import { perilIn } from './peril.js'
import { runsOthers } from './programs.js'
import { isStartupFile } from './tables/startup-files.js'
import { understand } from './understand.js'
import type { Understood } from './understood.js'
import type { Argument } from './words.js'
import { leavesCode, steersCode } from './written-code.js'

/** What `rules.commands` judges by. */
export interface CommandSettings {
  readonly allow: readonly Entry[] | undefined
  readonly deny: readonly Entry[]
  readonly redirections: boolean
  readonly scripts: 'none' | 'usual' | 'any'
}

/** One text with the texts within it, and what was found in them. */
interface Look {
  readonly parser: ShellParser
  readonly settings: CommandSettings
  readonly analyses: Analysis[]
  /** Commands that run code in files. */
  readonly code: Run[]
  /** Commands that leave no text in files. */
  readonly quiet: Run[]
}

/** So many texts and wrappers may stand within each other. */
const deepest = 6
const tooDeep = 'the command nests too much'

/** Why a command cannot be let pass; `undefined` where it can. */
export function commandDetails(parser: ShellParser, settings: CommandSettings, command: string): string | undefined {
  const look: Look = { parser, settings, analyses: [], code: [], quiet: [] }
  const isDenied = (value: Argument) => settings.deny.some(one => isNamedBy(one, { name: '', args: [value] }))
  return textDetails(look, command, 0) ?? (settings.allow ? undefined : (leavesCode(look) ?? steersCode(look, isDenied)))
}

function textDetails(look: Look, text: string, depth: number): string | undefined {
  if (depth > deepest) return tooDeep
  const analysis = analyse(look.parser, text, look.settings.redirections)
  look.analyses.push(analysis)
  if (analysis.unclear !== undefined) return analysis.unclear
  if (analysis.writes.some(({ file }) => isStartupFile(file))) return 'the command writes a file that makes programs run'
  return firstOf(analysis.runs, run => runDetails(look, run, run, depth))
}

function firstOf(runs: readonly Run[], look: (run: Run) => string | undefined): string | undefined {
  for (const run of runs) {
    const details = look(run)
    if (details !== undefined) return details
  }
}

/** @param root - the command of the text by which this one is run: itself, or a wrapper */
function runDetails(look: Look, run: Run, root: Run, depth: number): string | undefined {
  const { allow, deny } = look.settings
  if (depth > deepest) return tooDeep
  if (deny.some(one => denies(one, run))) return `command ${shown(run.name)} is denied`
  if (allow === undefined) return openDetails(look, run, root, depth)
  const entry = allow.find(one => allows(one, run))
  if (!entry) return `command ${shown(run.name)} is not on the list of those allowed`
  return entryDetails(look, entry, run, depth)
}

/** A command that `allow` names: only `deny` can be against it, and options that make another program of it. */
function entryDetails(look: Look, entry: Entry, run: Run, depth: number): string | undefined {
  const { deny } = look.settings
  const isNamed = runsOthers(run.name) && deny.some(one => isNamedBy(one, run))
  if (isNamed) return `command ${shown(run.name)} could run one that is denied`
  return perilIn(run.name, run.args, entry.words.length > 0) ?? (deny.length > 0 ? deniedWithin(look, run, depth) : undefined)
}

/** Is a command denied that an allowed one runs? */
function deniedWithin(look: Look, run: Run, depth: number): string | undefined {
  if (depth > deepest) return tooDeep
  const { inner, text } = understand(run)
  const open: Look = { ...look, settings: { ...look.settings, allow: undefined, scripts: 'any' } }
  if (text) return innerText(open, text, depth)
  if (inner === undefined) return undefined
  return look.settings.deny.some(one => denies(one, inner))
    ? `command ${shown(inner.name)} is denied`
    : deniedWithin(look, inner, depth + 1)
}

function innerText(look: Look, { text, isBash }: NonNullable<Understood['text']>, depth: number): string | undefined {
  if (!isBash && !isPosix(text)) return 'the command holds a text that shells read differently'
  return textDetails(look, text, depth + 1)
}

/** A command under `deny` alone. */
function openDetails(look: Look, run: Run, root: Run, depth: number): string | undefined {
  const { refused, inner, text, code, unknown, quiet } = understand(run)
  if (refused !== undefined) return refused
  const against = code ? (codeDetails(look, run, code) ?? namedDetails(look, root)) : unknown && namedDetails(look, run)
  if (against !== undefined) return against
  if (code) look.code.push(root)
  if (inner) return runDetails(look, inner, root, depth + 1)
  if (text) return innerText(look, text, depth)
  if (quiet) look.quiet.push(root)
  if (/^(?:cd|pushd)$/.test(run.name) || !quiet)
    return writesStartupFile(run) ? `command ${shown(run.name)} may write a file that makes programs run` : undefined
}

function codeDetails(look: Look, run: Run, code: 'usual' | 'other'): string | undefined {
  const { scripts } = look.settings
  if (scripts === 'none' || (scripts === 'usual' && code === 'other'))
    return run.name.includes('/')
      ? `command ${shown(run.name)} is a path: what it runs is not known`
      : `command ${shown(run.name)} runs code that stands in a file`
  return namedDetails(look, run)
}

const namedDetails = ({ settings: { deny } }: Look, run: Run): string | undefined =>
  deny.some(one => isNamedBy(one, run)) ? `command ${shown(run.name)} could run one that is denied` : undefined

const writesStartupFile = ({ args }: Run): boolean => args.some(({ text, start }) => isStartupFile(text ?? start))
