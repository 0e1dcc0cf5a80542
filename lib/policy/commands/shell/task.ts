import type { Run } from './analyse.js'
import { tableName } from './programs.js'
import { type TaskRow, tasks, usualTask } from './tables/tasks.js'
import { isPlainText, isPlainWord, nothing, refusal, type Understood } from './understood.js'
import type { Argument } from './words.js'

const rows: ReadonlyMap<string, readonly TaskRow[]> = grouped()
/** Tools that hand on what stands behind `--`. */
const handOn: ReadonlySet<string> = new Set(['npm', 'yarn', 'pnpm', 'bun', 'cargo', 'pytest', 'jest', 'vitest', 'eslint', 'prettier'])

function grouped(): ReadonlyMap<string, readonly TaskRow[]> {
  const map = new Map<string, TaskRow[]>()
  for (const row of tasks) map.set(row.program, [...(map.get(row.program) ?? []), row])
  return map
}

/** What a tool of the table runs with these arguments; `undefined` for any other command. */
export function taskOf({ name, args }: Run): Understood | undefined {
  const program = tableName(name, rows)
  const found = rows.get(program)
  if (found === undefined) return undefined
  for (const row of found) {
    const words = operandsOf(row, args)
    if (words && fits(row, words)) return judged(row, words, args)
  }
  return refusal(`command "${program}" with arguments that may run others`)
}

function judged(row: TaskRow, words: readonly string[], args: readonly Argument[]): Understood {
  const odd = refusal(`command "${row.program}" with arguments that could be read as code`)
  if (row.runs === 'nothing') return args.every(isPlainText) ? nothing : odd
  if (!args.every(isPlainWord)) return odd
  if (row.runs === 'code') return { code: 'usual' }
  return row.runs === 'other' ? { code: 'other' } : taskNamed(row, words)
}

/** `npm run` runs one task, and hands on the rest; `make` runs each, and sets what holds a `=`. */
function taskNamed({ program, first }: TaskRow, words: readonly string[]): Understood {
  if (first === undefined && words.some(word => word.includes('=')))
    return refusal(`command "${program}" with a variable that may name a program`)
  const named = first === undefined ? words : words.slice(1, 2)
  return { code: named.every(word => usualTask.test(word)) ? 'usual' : 'other' }
}

function fits({ first, second }: TaskRow, words: readonly string[]): boolean {
  return isOneOf(first, words[0]) && isOneOf(second, words[1])
}

const isOneOf = (list: string | undefined, word: string | undefined): boolean => list === undefined || list.split(' ').includes(word ?? '')

/** The words that are no options; `undefined` where an option is not on the list of the row. */
function operandsOf(row: TaskRow, args: readonly Argument[]): readonly string[] | undefined {
  if (row.anyOption) return args.slice(0, 2).map(({ text = '', operand }) => (operand ? text : '-'))
  if (row.responseFiles && args.some(({ start }) => start.startsWith('@'))) return undefined
  const listed = row.options?.split(' ') ?? []
  const words: string[] = []
  for (let at = 0; at < args.length; at++) {
    const { text } = args[at]!
    if (text === undefined) return undefined
    if (text === '--') return handOn.has(row.program) && words.length > 0 ? words : undefined
    if (!text.startsWith('-') || text === '-') words.push(text)
    else if (isValued(listed, text)) at++
    else if (!isListed(listed, text)) return undefined
    if (at >= args.length) return undefined
  }
  return words
}

const isValued = (listed: readonly string[], text: string): boolean => !text.includes('=') && listed.includes(`${text}=`)

function isListed(listed: readonly string[], text: string): boolean {
  if (listed.includes(text)) return true
  const name = /^[^=]+=/.exec(text)?.[0]
  if (name !== undefined && listed.includes(name)) return true
  return listed.some(option => option.endsWith('*') && text.startsWith(option.slice(0, -1)))
}
