import { CtxParseError, type CtxParseReason } from '../../core/errors.js'
import type { CTXDecorator, CTXFilter, CTXPayload, CTXStatement } from './ast.js'
import { bannedKeys, limits } from './grammar.js'
import { kindOf } from './kind-of.js'
import { repeatedNameIn } from './repeated-name.js'
import { shown } from './scanner.js'

/** A statement is at most so long. JSON makes at most 32 bytes of one: `*a ` takes 75, indented by four, and stands in `raw` too. */
const longest = 32 * limits.mostBytes

type Members = Readonly<Record<string, unknown>>

/**
 * An AST from JSON: `operator`, `plane`, and what else a `CTXStatement` has. `raw` may be there and is not read.
 * @throws CtxParseError where it is no such thing; `expected` says where. What no statement can say is left to `serialize`.
 */
export function readJson(text: string): CTXStatement {
  const bytes = Buffer.byteLength(text)
  if (bytes > longest) refuse('INPUT_TOO_LARGE', `${bytes} bytes`, `at most ${longest} bytes`)
  if (text.trim() === '') refuse('EMPTY_INPUT', shown(''), 'an AST as JSON')
  const {
    operator,
    plane,
    verb,
    decorator,
    target,
    filters = [],
    payload,
    raw = '',
  } = membersOf(parsed(text), '$', 'INVALID_OPERATOR', known)
  return {
    operator: textOf(operator, 'operator', 'INVALID_OPERATOR') as CTXStatement['operator'],
    plane: textOf(plane, 'plane', 'INVALID_PLANE') as CTXStatement['plane'],
    ...(verb !== undefined && { verb: textOf(verb, 'verb', 'VERB_NOT_ALLOWED') as CTXStatement['verb'] & string }),
    ...(decorator !== undefined && { decorator: decoratorOf(decorator) }),
    ...(target !== undefined && { target: textOf(target, 'target', 'INVALID_TARGET') }),
    filters: listOf(filters, 'filters', 'INVALID_FILTER').map(filterOf),
    ...(payload !== undefined && { payload: payloadOf(payload) }),
    raw: textOf(raw, 'raw', 'INVALID_TARGET'),
  }
}

const known = ['operator', 'plane', 'verb', 'decorator', 'target', 'filters', 'payload', 'raw']

function refuse(reason: CtxParseReason, found: string, expected: string, position = 0): never {
  throw new CtxParseError({ reason, position, found, expected })
}

function parsed(text: string): unknown {
  const value = jsonOf(text.trim())
  const twice = repeatedNameIn(text)
  return twice ? refuse('INVALID_PAYLOAD', shown(twice.name), 'each name once', twice.position) : value
}

function jsonOf(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return refuse('INVALID_OPERATOR', shown(json), 'an AST as JSON, such as {"operator":"?","plane":"k"}')
  }
}

function membersOf(value: unknown, where: string, reason: CtxParseReason, names: readonly string[] | undefined): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(reason, kindOf(value), `${where}: an object`)
  for (const name of Object.keys(value)) {
    if (bannedKeys.includes(name)) refuse('BANNED_KEY', name, `${where}: a name other than ${bannedKeys.join(', ')}`)
    if (names && !names.includes(name)) refuse(reason, shown(name), `${where}: one of ${names.join(', ')}`)
  }
  return value as Members
}

const textOf = (value: unknown, where: string, reason: CtxParseReason): string =>
  typeof value === 'string' ? value : refuse(reason, kindOf(value), `${where}: a text`)

const listOf = (value: unknown, where: string, reason: CtxParseReason): readonly unknown[] =>
  Array.isArray(value) ? value : refuse(reason, kindOf(value), `${where}: a list`)

function decoratorOf(value: unknown): CTXDecorator {
  const { name, args = [] } = membersOf(value, 'decorator', 'INVALID_FILTER', ['name', 'args'])
  const given = listOf(args, 'decorator.args', 'INVALID_FILTER')
  if (given.length > 0) refuse('INVALID_FILTER', kindOf(given[0]), 'decorator.args: nothing; no decorator takes arguments')
  return { name: textOf(name, 'decorator.name', 'INVALID_FILTER') as CTXDecorator['name'] }
}

function filterOf(value: unknown, at: number): CTXFilter {
  const { type, value: text } = membersOf(value, `filters[${at}]`, 'INVALID_FILTER', ['type', 'value'])
  return {
    type: textOf(type, `filters[${at}].type`, 'INVALID_FILTER') as CTXFilter['type'],
    value: textOf(text, `filters[${at}].value`, 'INVALID_FILTER'),
  }
}

function payloadOf(value: unknown): CTXPayload {
  const { text, fields, raw = '' } = membersOf(value, 'payload', 'INVALID_PAYLOAD', ['text', 'fields', 'raw'])
  return {
    ...(text !== undefined && { text: textOf(text, 'payload.text', 'INVALID_PAYLOAD') }),
    ...(fields !== undefined && { fields: fieldsOf(fields) }),
    raw: textOf(raw, 'payload.raw', 'INVALID_PAYLOAD'),
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, string>> {
  const fields = membersOf(value, 'payload.fields', 'INVALID_PAYLOAD', undefined)
  return Object.fromEntries(
    Object.entries(fields).map(([name, text]) => [name, textOf(text, `payload.fields[${shown(name)}]`, 'INVALID_PAYLOAD')]),
  )
}
