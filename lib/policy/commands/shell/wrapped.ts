import type { Run } from './analyse.js'
import { tableName } from './programs.js'
import { steersPrograms } from './tables/environment.js'
import { type WrapperRow, wrappers } from './tables/wrappers.js'
import { isPlainWord, nothing, refusal, type Understood } from './understood.js'
import type { Argument } from './words.js'

const rows: ReadonlyMap<string, WrapperRow> = new Map(wrappers.map(row => [row.program, row]))
const listOf = (text: string | undefined): readonly string[] => text?.split(' ') ?? []

/** What a wrapper of the table runs; `undefined` for any other command. */
export function wrapped(run: Run): Understood | undefined {
  const row = rows.get(tableName(run.name, rows))
  if (row === undefined || !listOf(row.words).every((word, at) => run.args[at]?.text === word)) return undefined
  const unknown = refusal(`"${row.program}" with arguments that are not analysed`)
  const read = commandPlace(row, run.args, listOf(row.words).length)
  if (read === undefined) return unknown
  const { at, replace } = read
  const [first, ...rest] = run.args.slice(at)
  if (first === undefined) return row.code || row.operands ? unknown : nothing
  if (!isName(first.text) || (replace !== undefined && first.text.includes(replace))) return unknown
  if (row.only && !row.only.has(first.text)) return unknown
  const args = row.appends ? replaced(rest, replace) : rest
  return { inner: { ...run, name: first.text, args, fed: run.fed || row.appends === true }, code: row.code ? 'usual' : undefined }
}

const isName = (text: string | undefined): text is string => text !== undefined && /^[\x21-\x7e]+$/.test(text) && !text.startsWith('-')

interface Read {
  readonly at: number
  /** What `xargs -I` replaces. */
  readonly replace?: string
}

/** Where the command of a wrapper stands. */
function commandPlace(row: WrapperRow, args: readonly Argument[], from: number): Read | undefined {
  let replace: string | undefined
  let counted = false
  let at = from
  for (let text = args[at]?.text; text?.startsWith('-'); text = args[at]?.text) {
    const step = optionStep(row, args, at)
    if (step === undefined) return undefined
    if (row.appends && text.startsWith('-I')) replace = text.slice(2) || args[at + 1]?.text
    if (row.appends) counted ||= /^(?:-[nL]|--max-args)/.test(text)
    at += step
    if (text === '--') break
  }
  // With both, the last one counts: what is read may come behind the arguments after all.
  if (replace !== undefined && counted) return undefined
  const places = at + (row.operands ?? 0)
  if (args.slice(at, places).some(({ text }) => text === undefined || !/^[\w.]+$/.test(text))) return undefined
  return afterAssignments(row, args, places, replace)
}

function afterAssignments(row: WrapperRow, args: readonly Argument[], from: number, replace: string | undefined): Read | undefined {
  let at = from
  while (row.assignments && /^[^=]*=/.test(args[at]?.start ?? '')) {
    const { start } = args[at]!
    const name = start.slice(0, start.indexOf('='))
    if (!isPlainWord(args[at]!) || !/^[a-zA-Z_]\w*$/.test(name) || steersPrograms(name)) return undefined
    at++
  }
  return { at, replace }
}

/** How many arguments an option takes up; `undefined` where it is not known. */
function optionStep(row: WrapperRow, args: readonly Argument[], at: number): number | undefined {
  const text = args[at]!.text!
  if (text === '--' || listOf(row.flags).includes(text)) return 1
  if (row.program === 'nice' && /^-\d+$/.test(text)) return 1
  const [name, value] = valued(row, text)
  if (name === undefined) return undefined
  const given = value ?? args[at + 1]?.text
  if (given === undefined || (/^(?:-u|--unset)$/.test(name) && steersPrograms(given))) return undefined
  return value === undefined ? 2 : 1
}

/** The option with a value that a text is, and the value where it is attached. */
function valued(row: WrapperRow, text: string): readonly [name?: string, value?: string] {
  const names = listOf(row.valued)
  if (names.includes(text)) return [text]
  const long = /^(--[^=]+)=(.*)$/s.exec(text)
  if (long) return names.includes(long[1]!) ? [long[1]!, long[2]!] : []
  return names.includes(text.slice(0, 2)) ? [text.slice(0, 2), text.slice(2)] : []
}

const anything: Argument = Object.freeze({ text: undefined, start: '', single: false, operand: false })

/** What `xargs` makes of the arguments: more behind them, or each place of the word filled in. */
function replaced(args: readonly Argument[], word: string | undefined): readonly Argument[] {
  if (word === undefined) return [...args, anything]
  return args.map(arg => (arg.text === undefined || !arg.text.includes(word) ? arg : filledIn(arg.text, word)))
}

function filledIn(text: string, word: string): Argument {
  const start = text.slice(0, text.indexOf(word))
  return { text: undefined, start, single: true, operand: start !== '' && !start.startsWith('-') }
}
