import type { Analysis, Run } from './analyse.js'
import { baseName } from './programs.js'
import { isPlainWord } from './understood.js'
import type { Argument } from './words.js'

/** The commands of a text: those that run code in files, and those that leave no text in a file. */
interface Sorted {
  readonly analyses: readonly Analysis[]
  readonly code: readonly Run[]
  readonly quiet: readonly Run[]
}

/**
 * Why a text that runs code in files cannot be let pass: it may have written that code. Only commands that leave no text in files may stand beside,
 * in any order: the parts of a text need not run in the order in which they stand. What the code itself prints may go to a file, where nothing
 * else of the text could run it.
 */
export function leavesCode({ analyses, code, quiet }: Sorted): string | undefined {
  if (code.length === 0) return undefined
  const runs = analyses.flatMap(analysis => analysis.runs)
  const writes = analyses.flatMap(analysis => analysis.writes)
  const harmless = new Set([...code, ...quiet])
  const others = runs.filter(run => !harmless.has(run) && !holdsText(run))
  if (writes.length === 0 && others.length === 0) return undefined
  const isOwn = new Set(code).size === 1 && !analyses.some(({ loops }) => loops)
  const onlyOutput = writes.every(({ by }) => by === code[0]) && others.every(run => isTeeBehind(run, code[0]!))
  const files = [...writes.map(({ file }) => file), ...others.flatMap(({ args }) => args.map(({ text }) => text))]
  return isOwn && onlyOutput && !files.some(file => isNamedIn(code[0]!, file))
    ? undefined
    : 'the command writes files, and runs code that stands in a file'
}

/**
 * Why a text that runs code in files cannot be let pass for the variables that it sets: a task may make a part of a command of them.
 * @param isDenied - does a value name a program that is denied?
 */
export function steersCode({ analyses, code }: Sorted, isDenied: (value: Argument) => boolean): string | undefined {
  if (code.length === 0) return undefined
  const values = analyses.flatMap(analysis => analysis.values)
  return values.every(value => value && isPlainWord(value) && !isDenied(value))
    ? undefined
    : 'the command sets a variable to what code in a file could run'
}

/** `bash -c`: the commands of its text are looked at one by one. */
const holdsText = ({ name }: Run): boolean => /^(?:bash|sh|dash)$/.test(baseName(name))

/** Bash goes on reading a script while it runs: its output may not come to stand there. What is not known could be it. */
function isNamedIn({ name, args }: Run, file: string | undefined): boolean {
  if (file === undefined) return true
  return [name, ...args.map(({ text }) => text)].some(text => text === undefined || baseName(text) === baseName(file))
}

const isTeeBehind = ({ name, behind }: Run, code: Run): boolean => name === 'tee' && behind === code
