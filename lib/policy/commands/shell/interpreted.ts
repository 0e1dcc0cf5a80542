import type { Run } from './analyse.js'
import { tableName } from './programs.js'
import { activation, type InterpreterRow, interpreters, pythonModules } from './tables/interpreters.js'
import { isPlainWord, refusal, type Understood } from './understood.js'
import type { Argument } from './words.js'

const rows: ReadonlyMap<string, InterpreterRow> = new Map(interpreters.map(row => [row.program, row]))
const shells: ReadonlySet<string> = new Set(['bash', 'sh', 'dash'])

/** What an interpreter of the table runs; `undefined` for any other command. */
export function interpreted(run: Run): Understood | undefined {
  const program = tableName(run.name, rows)
  const row = rows.get(program)
  if (row === undefined) return undefined
  return (shells.has(program) ? shellText(program, run.args) : undefined) ?? pythonModule(program, run) ?? fileOf(row, run.args)
}

/** The text of `bash -c`. What stands behind it becomes variables: no text of theirs is a command's name. */
function shellText(program: string, args: readonly Argument[]): Understood | undefined {
  let at = 0
  for (; ; at++) {
    const option = args[at]?.text ?? ''
    if (/^-[eux]*o$/.test(option) && /^(?:pipefail|errexit|nounset)$/.test(args[at + 1]?.text ?? '')) at++
    else if (!/^-[euxl]+$/.test(option)) break
  }
  if (!/^-[euxl]*c$/.test(args[at]?.text ?? '')) return undefined
  const text = args[at + 1]?.text
  if (text === undefined || text.startsWith('-')) return refusal(`"${program}" with a text that is not known before it runs`)
  return { text: { text, isBash: program === 'bash' } }
}

function pythonModule(program: string, run: Run): Understood | undefined {
  const [option, module, ...args] = run.args
  if (!/^(?:python|pypy)$/.test(program) || option?.text !== '-m' || module?.text === undefined) return undefined
  if (module.text === 'pip') return { inner: { ...run, name: 'pip', args } }
  if (module.text === 'pytest') return { inner: { ...run, name: 'pytest', args } }
  return pythonModules.has(module.text) && args.every(isPlainWord)
    ? { code: 'usual' }
    : refusal('"python" with a module that may run others')
}

/** A file, behind options of the table, with plain words behind it. */
function fileOf({ program, flags, file }: InterpreterRow, args: readonly Argument[]): Understood {
  const known = flags.split(' ')
  const at = args.findIndex(({ text }) => text === undefined || !known.includes(text.replace(/=.*$/s, '')))
  const script = args[at]?.text
  if (script === undefined || script.startsWith('-') || !args.every(isPlainWord) || isStream(script))
    return program === 'node' && known.includes('--test') && args.length > 0 && args.every(isTestOption)
      ? { code: 'usual' }
      : refusal(`command "${program}" runs what is not analysed`)
  return { code: file.test(script) && !/^\/|(?:^|\/)\.\.(?:\/|$)/.test(script) ? 'usual' : 'other' }
}

const isTestOption = ({ text }: Argument): boolean => /^--test(?:-only|-reporter=[\w./-]+)?$/.test(text ?? '')

/** The input, or what a descriptor holds, in place of a file. */
const isStream = (path: string): boolean => /^\/+(?:dev|proc)(?:\/|$)/i.test(path) || /(?:^|\/)fd\/\d+$/.test(path)

/** Sourcing: only what sets up the environment of a project. */
export function sourced(args: readonly Argument[]): Understood {
  return args.length === 1 && activation.test(args[0]!.text ?? '')
    ? { code: 'usual' }
    : refusal('command "source" runs what is not analysed')
}
