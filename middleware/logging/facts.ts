import { createHash } from 'node:crypto'
import { type Action, type ErrorCode, findOutriggerError, type Kind, LayerError, type Outcome, ViolationError } from 'outrigger'
import type { Level } from './writer.js'

/** What a line says of an error. */
export interface ErrorFacts {
  readonly name: string
  readonly code?: string
  /** Of errors that are ours, and say nothing that came from an agent, a rule or a caller. */
  readonly message?: string
  readonly ruleId?: string
  /** The name of what made a layer fail. */
  readonly cause?: string
}

// Messages of the others hold the words of a rule, of whoever paused or reaped, or of a text that was parsed.
const quotable: ReadonlySet<ErrorCode> = new Set([
  'ERR_BUDGET',
  'ERR_STACK_ORDER',
  'ERR_LAYER',
  'ERR_UPSTREAM',
  'ERR_TRUNCATED',
  'ERR_DEADLINE',
  'ERR_CIRCUIT_OPEN',
  'ERR_LEDGER',
  'ERR_UNKNOWN_MODEL',
  'ERR_UNBOUNDED',
  'ERR_SIGNING',
])

/** The facts of an error; of one that is not ours, its name and code alone: its message may hold a prompt. */
export function errorFacts(error: unknown): ErrorFacts | undefined {
  if (error === undefined) return undefined
  const own = findOutriggerError(error)
  const name = nameOf(error)
  if (!own) return { name, code: wordOf((error as { readonly code?: unknown } | null)?.code) }
  return {
    name,
    code: own.code,
    ...(quotable.has(own.code) ? { message: plain(own.message, 500) } : {}),
    ...(own instanceof ViolationError ? { ruleId: plain(own.ruleId) } : {}),
    ...(own instanceof LayerError && own.cause !== undefined ? { cause: nameOf(own.cause) } : {}),
  }
}

function nameOf(error: unknown): string {
  return wordOf((error as { readonly name?: unknown } | null)?.name) ?? 'Error'
}

/** A name or a code: one word, so that no text comes in by it. */
function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w$.-]{1,64}$/.test(value) ? value : undefined
}

// Control characters of both sets, line separators, and marks that turn the direction of a line: a terminal or a log viewer obeys them.
const obeyed = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** A name that cannot begin a new line, colour a terminal or fill a disk. */
export function plain(text: string, most = 200): string {
  const escaped = text.slice(0, most).replace(obeyed, letter => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return text.length > most ? `${escaped}…` : escaped
}

/** The same facts, with each text made plain: names and ids come from whoever wrote the agent. */
export function plainTexts(facts: object): object {
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, typeof value === 'string' ? plain(value) : value]))
}

/** The name of an action, under a key that says what it names. */
export function named(kind: Kind, name: string | undefined): object {
  if (name === undefined || kind === 'send') return {}
  return { [kind === 'spawn' ? 'child' : kind]: name }
}

/** How loud the end of an action is. */
export function levelOf({ status }: Outcome): Level {
  if (status === 'done') return 'info'
  return status === 'aborted' || status === 'refused' ? 'warn' : 'error'
}

/** What an action asks for. */
export function requestOf(action: Action): unknown {
  switch (action.kind) {
    case 'send':
      return action.message
    case 'model':
      return action.request
    case 'tool':
      return action.input
    case 'spawn':
      return action.task
  }
}

/** SHA-256, hex: of a text as it is, of plain data as JSON; `undefined` for what is neither. */
export function digest(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value : jsonOf(value)
  return text === undefined ? undefined : createHash('sha256').update(text).digest('hex')
}

function jsonOf(value: unknown): string | undefined {
  if (typeof value === 'object' && value !== null && !isPlain(value)) return undefined
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === Object.prototype || prototype === null
}
