import type { CTXFilter, CTXFilterType } from './ast.js'
import { mixesScripts } from './escape.js'
import { isCount, isTime } from './grammar.js'
import type { Scanner } from './scanner.js'

const signs: Readonly<Record<string, CTXFilterType>> = { '#': 'tag', '@': 'time', '^': 'limit', '*': 'project', '&': 'format' }

/** Does a filter begin with it? */
export const isFilterStart = (char: string): boolean => Object.hasOwn(signs, char)

const named = /^[#*&][^\s#@^*&"]+$/

/** What `#depth:3` and `#k:5` mean: filters of their own, spelt as tags. */
export const spelledAsTag: RegExp = /^(depth|k):(\d{1,15})$/

/** Takes one filter. @throws CtxParseError */
export function readFilter(scan: Scanner): CTXFilter {
  const start = scan.at
  const type = signs[scan.next]!
  const filter = type === 'time' ? readTime(scan) : type === 'limit' ? readLimit(scan) : readNamed(scan, type)
  if (filter.type === 'tag' && mixesScripts(filter.value))
    scan.fail('MIXED_SCRIPT', 'letters of one script: Latin, or Cyrillic, or Greek', filter.value, start)
  return filter
}

function readTime(scan: Scanner): CTXFilter {
  const expected = 'a time such as @7d or @2026-03-01; a decorator stands before the target'
  if (!isTime(scan.word.slice(1))) scan.fail('INVALID_FILTER', expected)
  return { type: 'time', value: scan.takeWord(/^@/, 'INVALID_FILTER', expected).slice(1) }
}

function readLimit(scan: Scanner): CTXFilter {
  const word = scan.takeWord(/^\^(?:depth=)?\d{1,15}$/, 'INVALID_FILTER', 'a count such as ^3, or ^depth=3').slice(1)
  return word.startsWith('depth=') ? { type: 'depth', value: word.slice('depth='.length) } : { type: 'limit', value: word }
}

/** A quoted name is never more than a name: `#"depth:3"` is a tag. */
function readNamed(scan: Scanner, type: CTXFilterType): CTXFilter {
  if (scan.word.startsWith('"', 1)) {
    scan.at++
    return { type, value: scan.takeQuoted('INVALID_FILTER') }
  }
  const value = scan.takeWord(named, 'INVALID_FILTER', `a ${type} without # @ ^ * & " in it, or a quoted one`).slice(1)
  const spelled = type === 'tag' ? spelledAsTag.exec(value) : null
  if (!spelled) return { type, value }
  return { type: spelled[1] === 'depth' ? 'depth' : 'limit', value: spelled[2]! }
}

/** Why a filter of an AST is none, in words for a message; nothing where it is one. */
export function filterFault({ type, value }: CTXFilter): string | undefined {
  if (type === 'time') return isTime(value) ? undefined : 'a time such as 7d or 2026-03-01'
  if (type === 'limit' || type === 'depth') return isCount(value) ? undefined : 'a count of at most 15 digits'
  return Object.values(signs).includes(type) ? undefined : 'one of tag, time, limit, depth, project, format'
}
