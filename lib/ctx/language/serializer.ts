import { CtxParseError, type CtxParseReason } from '../../core/errors.js'
import type { CTXFilter, CTXPayload, CTXStatement } from './ast.js'
import { hiddenAt, isWellFormed, mixesScripts, quote } from './escape.js'
import { bannedKeys, decorators, isSimple, limits, pairs, planes, verbPairs, verbs } from './grammar.js'
import { kindOf } from './kind-of.js'
import { nfc } from './marks.js'
import { checkNesting } from './nesting.js'
import { filterFault, spelledAsTag } from './read-filter.js'
import { isFieldStart } from './read-payload.js'
import { shown } from './scanner.js'
import { tooLarge } from './size.js'

/**
 * The canonical form: one line, one space between parts, filters in their order, the payload last, quotes where they are needed. What a
 * model is asked or called (`>l`, `?l`) is always quoted, and every field that is no count. `parse` of it gives the AST again, `raw` apart.
 * @throws CtxParseError where the AST says what no statement can
 */
export function serialize(statement: CTXStatement): string {
  const parts = [head(objectOf(statement, 'INVALID_OPERATOR', 'a statement'))]
  if (statement.decorator !== undefined) parts.push(decorator(statement.decorator))
  if (statement.target !== undefined) parts.push(targetText(written(statement.target, 'INVALID_TARGET'), statement.plane))
  if (!Array.isArray(statement.filters)) refuse('INVALID_FILTER', statement.filters, 'a list of filters')
  for (const one of statement.filters) parts.push(filterText(one))
  if (statement.payload !== undefined) parts.push(payload(statement))
  const text = parts.join(' ')
  const bytes = Buffer.byteLength(text)
  return bytes > limits.mostBytes ? tooLarge(bytes) : text
}

function refuse(reason: CtxParseReason, found: unknown, expected: string): never {
  throw new CtxParseError({ reason, position: 0, found: typeof found === 'string' ? shown(found) : kindOf(found), expected })
}

/** Users hand over what they have made, and not all of them are checked by a compiler. */
function objectOf<T>(value: T, reason: CtxParseReason, expected: string): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(reason, value, expected)
  return value
}

function head({ operator, plane, verb }: CTXStatement): string {
  if (typeof operator !== 'string' || !Object.hasOwn(pairs, operator))
    refuse('INVALID_OPERATOR', operator, `one of ${Object.keys(pairs).join(' ')}`)
  if (typeof plane !== 'string') refuse('INVALID_PLANE', plane, `one of ${[...planes].join(' ')}`)
  const pair = `${operator}${plane}`
  if (plane.length !== 1 || !pairs[operator].includes(plane))
    refuse('INVALID_COMBO', pair, `after ${operator} one of ${[...pairs[operator]].join(' ')}`)
  if (verb === undefined) return pair
  if (!verbPairs.includes(pair) || !verbs.includes(verb))
    refuse('VERB_NOT_ALLOWED', verb, `a verb of the language, after ${verbPairs.join(' ')}`)
  return `${pair}:${verb}`
}

function decorator(given: NonNullable<CTXStatement['decorator']>): string {
  const { name, args } = objectOf(given, 'INVALID_FILTER', 'a decorator')
  if (!decorators.includes(name)) refuse('INVALID_FILTER', name, `one of ${decorators.join(' ')}`)
  if (args && args.length > 0) refuse('INVALID_FILTER', args[0], 'a decorator without arguments')
  return `@${name}`
}

/** A string of the AST as it can be written: NFC, and nothing that UTF-8 cannot carry. */
function written(text: unknown, reason: CtxParseReason): string {
  if (typeof text !== 'string') refuse(reason, text, 'a string')
  if (!isWellFormed(text as string)) refuse(reason, text, 'Unicode characters')
  const normal = nfc(text as string)
  checkNesting(normal, 0)
  return normal
}

const plain = /^[\w./:-]+$/

/** Does it stand without quotes? */
const isBare = (text: string): boolean => plain.test(text) || (isSimple(text) && hiddenAt(text) < 0 && !/^\p{M}/u.test(text))

/** A target as the canonical form has it; the text is NFC. */
export const targetText = (text: string, plane: CTXStatement['plane']): string =>
  plane !== 'l' && isBare(text) && !isFieldStart(text) ? text : quote(text)

/** The value of a field as the canonical form has it: a count is bare, everything else is quoted; the text is NFC. */
export const fieldValue = (text: string): string => (isFigure(text) ? text : quote(text))

/** Is it a count, and so written without quotes? */
export const isFigure = (text: string): boolean => /^\d+$/.test(text)

const signs = { tag: '#', project: '*', format: '&', time: '@', limit: '^', depth: '^depth=' } as const

function filterText(filter: CTXFilter): string {
  const { type, value } = objectOf(filter, 'INVALID_FILTER', 'a filter')
  const fault = filterFault({ type, value })
  if (fault !== undefined) refuse('INVALID_FILTER', value, fault)
  const text = written(value, 'INVALID_FILTER')
  if (type === 'tag' && mixesScripts(text)) refuse('MIXED_SCRIPT', text, 'letters of one script: Latin, or Cyrillic, or Greek')
  const bare = isBare(text) && !(type === 'tag' && spelledAsTag.test(text))
  return `${signs[type]}${bare ? text : quote(text)}`
}

function payload({ payload, target, filters }: CTXStatement): string {
  const { text, fields } = objectOf(payload as CTXPayload, 'INVALID_PAYLOAD', 'a payload')
  if (text !== undefined && fields !== undefined) refuse('INVALID_PAYLOAD', 'text and fields', 'one of the two')
  const mark = target === undefined && filters.length === 0 ? '=' : ''
  if (text !== undefined) return `${mark}${quote(written(text, 'INVALID_PAYLOAD'))}`
  const entries = Object.entries(objectOf(fields ?? {}, 'INVALID_PAYLOAD', 'fields, each with its name'))
  if (entries.length === 0) refuse('INVALID_PAYLOAD', '', 'a text or fields')
  return entries.map(field).join(' ')
}

function field([key, value]: [string, string]): string {
  if (!/^\w+$/.test(key)) refuse('INVALID_PAYLOAD', key, 'a name of letters, digits and _')
  if (bannedKeys.includes(key)) refuse('BANNED_KEY', key, `a name other than ${bannedKeys.join(', ')}`)
  return `${key}=${fieldValue(written(value, 'INVALID_PAYLOAD'))}`
}
