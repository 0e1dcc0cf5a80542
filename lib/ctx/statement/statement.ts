import type { Action, Outcome, SpawnAction } from '../../core/types.js'
import type { CTXStatement } from '../language/ast.js'
import { contentFields, jsonDigest, type RecordedContent } from './content.js'
import { figureOrQuoted, human } from '../targets/emitters/human.js'
import { heads, modelHeads, modelVerbs } from '../targets/emitters/human-words.js'
import { isPlain, quote, quoteForReading } from '../language/escape.js'
import { clipped, label } from './label.js'
import { fieldValue, isFigure, serialize, targetText } from '../language/serializer.js'

/** What an action says in CTX, in canonical form, and the English sentence that the compiler makes of it. */
export interface Statement {
  readonly ctx: string
  readonly human: string
}

/** How actions are written down. */
export interface StatementOptions {
  /** The name of the agent: a message is delegated to it. */
  readonly agent: string
  /** How much of what was said stands in the record. Default `digest`. */
  readonly content?: RecordedContent
}

/** What an outcome adds to what was intended. What is left out is not written. */
export interface OutcomeFacts {
  /** `done` is not written. */
  readonly status?: Outcome['status']
  /** The code of the error, never its text: `ERR_BUDGET`. */
  readonly error?: string
  /** Tokens; only of a model call, as is `stop`, its stop reason. */
  readonly input?: number
  readonly output?: number
  readonly stop?: string
  readonly attempts?: number
  /** What came back: its SHA-256 is written. */
  readonly result?: unknown
}

/** A refusal. `details` hold no content: a rule's finding. */
export interface RefusalFacts {
  readonly ruleId: string
  readonly details?: string
  readonly response: string
}

/** An approval of an action. */
export interface ApprovalFacts {
  /** Of the action that was approved, hex. */
  readonly sha256: string
  /** Who says so. */
  readonly by?: string
}

type Field = readonly [name: string, value: string]

/**
 * The statement of an action that is about to happen. It never fails: what CTX cannot carry is written as its digest.
 * Content is hashed; `options.content` says what else of it is written.
 */
export function intentOf(action: Action, options: StatementOptions): Statement {
  switch (action.kind) {
    case 'send':
      return delegated(options.agent, contentFields('task', action.message, options.content))
    case 'spawn':
      return delegated(action.name, spawnFields(action, options.content))
    case 'tool':
      return withFields(about('>t', 't', label(action.name)), contentFields('input', action.input, options.content, true))
    case 'model':
      return withFields(modelCall(label(action.model)), contentFields('request', action.request, options.content, true))
  }
}

const delegated = (agent: string, fields: readonly Field[]): Statement => withFields(about('^a', 'a', label(agent)), fields)

function spawnFields({ type, task }: SpawnAction, content: RecordedContent | undefined): readonly Field[] {
  const own: Field = ['agent', label(type)]
  return task === undefined ? [own] : [own, ...contentFields('context', task, content)]
}

const about = (pair: string, plane: 't' | 'a', name: string): Statement => ({
  ctx: `${pair} ${targetText(name, plane)}`,
  human: `${heads[pair]} ${quoteForReading(name)}`,
})

const modelCall = (model: string): Statement => ({
  ctx: `>l:complete ${quote(model)}`,
  human: `${modelHeads['>l']} ${quoteForReading(model)} for ${modelVerbs.complete}`,
})

function withFields({ ctx, human }: Statement, fields: readonly Field[], joint = ' with '): Statement {
  for (const [name, value] of fields) {
    const same = plainValue(value)
    ctx += ` ${name}=${same ?? fieldValue(value)}`
    human += `${joint}${name} ${same ?? figureOrQuoted(value)}`
    joint = ', '
  }
  return { ctx, human }
}

/** A value that the statement and the sentence show alike. */
const plainValue = (value: string): string | undefined => (isFigure(value) ? value : isPlain(value) ? `"${value}"` : undefined)

/** The statement of the action when it has ended: what was intended, and what came of it. */
export function outcomeOf(intent: Statement, facts: OutcomeFacts): Statement {
  const fields: Field[] = []
  const add = (name: string, value: string | number | undefined) => void (value !== undefined && fields.push([name, label(`${value}`)]))
  if (facts.status !== 'done') add('status', facts.status)
  add('error', facts.error)
  if (intent.ctx.startsWith('>l')) {
    add('input', facts.input)
    add('output', facts.output)
    add('stop', facts.stop)
  }
  add('attempts', facts.attempts)
  if ('result' in facts) add('result', jsonDigest(facts.result))
  return withFields(intent, fields, ', ')
}

/** The statement of an action that a rule refused. */
export function refusalOf({ ruleId, details, response }: RefusalFacts): Statement {
  return escalated(details ? `${ruleId}: ${details}` : ruleId, ['violation', label(response, 'tag')])
}

/** The statement of an approval by somebody outside: what it was bound to, and who gave it. */
export function approvalOf({ sha256, by }: ApprovalFacts): Statement {
  return escalated(`approval: ${sha256}${by ? ` by ${by}` : ''}`, ['approval', 'approved'])
}

function escalated(what: string, tags: readonly string[]): Statement {
  const target = clipped(what)
  const filters = tags.map(value => ({ type: 'tag' as const, value }))
  const ast: CTXStatement = { operator: '+', plane: 'm', verb: 'escalate', target, filters, raw: '' }
  return { ctx: serialize(ast), human: human(ast) }
}
