import { CtxUnsupportedError } from '../../core/errors.js'
import type { CTXFilterType, CTXStatement } from '../language/ast.js'
import type { Narrowing, Operation, Ranking, RowFacts, Since } from './operation.js'

/** A month is 30 days and a year 365 here: the same figure on every engine. */
const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800, M: 2_592_000, y: 31_536_000 }

/** More is not asked for by anybody, and an expression of SQLite is at most 1,000 deep. */
const mostFilters = 256
/** The most steps of a walk over edges. */
const deepest = 16
/** More than this is not asked for by anybody, and fits every engine's 32-bit integer. */
const mostRows = 2 ** 31 - 1

/**
 * What a statement asks of whoever keeps the rows.
 * @throws CtxUnsupportedError where the statement is CTX, but a part of it means nothing there; nothing is dropped
 */
export function operationOf(statement: CTXStatement): Operation {
  const parts = new Parts(statement)
  switch (statement.operator) {
    case '+':
      return statement.decorator?.name === 'relate' ? relate(parts) : store(parts)
    case '>':
    case '^':
      return call(parts)
    case '?':
      return statement.decorator?.name === 'traverse' ? traverse(parts) : search(parts)
    case '!':
      return { does: 'lookup', ...parts.without('payload', 'depth').narrowing(), name: parts.needName(), ...parts.answer() }
    case '~':
      return statement.decorator?.name === 'promote' ? promote(parts) : update(parts)
    case '-':
      return { does: 'delete', ...parts.without('payload', 'limit', 'depth', 'format').narrowed() }
  }
}

function store(parts: Parts): Operation {
  return { does: 'store', ...parts.without('time', 'limit', 'depth').facts() }
}

function call(parts: Parts): Operation {
  const { operator } = parts.statement as { operator: '>' | '^' }
  return { does: 'call', operator, ...parts.without('time', 'limit', 'depth').facts() }
}

function relate(parts: Parts): Operation {
  const { name, ...facts } = parts.take('relate').without('time', 'limit', 'depth').facts()
  const [, from, relation, to] = /^(.+?)->(.+?)->(.+)$/s.exec(name ?? '') ?? []
  if (from === undefined || relation === undefined || to === undefined || to.includes('->'))
    return parts.refuse('target', 'an edge is from->relation->to')
  return { does: 'relate', from, relation, to, ...facts }
}

function traverse(parts: Parts): Operation {
  const from = parts.take('traverse').without('payload', 'tag', 'time', 'project').needName()
  const depth = Number(parts.one('depth') ?? 1)
  if (depth > deepest) parts.refuse('depth', `a walk takes at most ${deepest} steps`)
  return { does: 'traverse', plane: parts.statement.plane, from, depth, ...parts.answer() }
}

function search(parts: Parts): Operation {
  const { statement } = parts.without('payload', 'depth')
  const ranking = rankingOf(parts)
  const { name, ...narrowing } = parts.narrowing()
  const query = name === '' || ranking?.by === 'similar' ? undefined : name
  return { does: 'search', ...narrowing, verb: statement.verb, query, ranking, ...parts.answer() }
}

function rankingOf(parts: Parts): Ranking | undefined {
  const by = parts.takeOneOf('similar', 'changes', 'grounded', 'decay')
  if (by === 'similar') return { by, words: wordsOf(parts) }
  if (by === 'decay') return { by, threshold: parts.takeThreshold() }
  return by && { by }
}

function wordsOf(parts: Parts): readonly string[] {
  const words = [...new Set(parts.needName().split(/\s+/u))].filter(word => word !== '')
  return words.length > 0 ? words : parts.refuse('target', '@similar needs a word to go by')
}

function update(parts: Parts): Operation {
  const { text, fields } = parts.without('limit', 'depth', 'format').payload()
  if (text === undefined && fields === undefined) parts.refuse('payload', 'an update says the new text or fields')
  return { does: 'update', ...parts.narrowed(), text, fields }
}

function promote(parts: Parts): Operation {
  return { does: 'promote', ...parts.take('promote').without('payload', 'limit', 'depth', 'format').narrowed() }
}

type Part = CTXFilterType | 'payload' | 'target' | 'decorator'

/** The parts of one statement, each checked as it is read. */
class Parts {
  readonly statement: CTXStatement
  #decorator: string | undefined
  #tags: readonly string[]

  constructor(statement: CTXStatement) {
    this.statement = statement
    this.#decorator = statement.decorator?.name
    this.#tags = this.#values('tag')
    this.#checkCharacters()
    if (statement.filters.length > mostFilters) this.refuse('tag', `at most ${mostFilters} filters`)
    for (const type of ['limit', 'depth', 'project', 'format'] as const)
      if (this.#values(type).length > 1) this.refuse(type, `one ${type} is enough`)
  }

  refuse(part: Part, says: string): never {
    const { operator, plane } = this.statement
    throw new CtxUnsupportedError({ pair: `${operator}${plane}`, part, says })
  }

  /** The decorator is understood. */
  take(name: string): this {
    if (this.#decorator === name) this.#decorator = undefined
    return this
  }

  takeOneOf<Name extends string>(...names: readonly Name[]): Name | undefined {
    const name = names.find(one => one === this.#decorator)
    if (name !== undefined) this.take(name)
    return name
  }

  /** `#threshold:0.7` of `@decay`, in millionths; it is no tag then. */
  takeThreshold(): number | undefined {
    const spelled = this.#tags.filter(tag => tag.startsWith('threshold:'))
    if (spelled.length === 0) return undefined
    const [, figure] = /^threshold:(\d{1,6}(?:\.\d{1,6})?)$/.exec(spelled[0]!) ?? []
    if (figure === undefined || spelled.length > 1) this.refuse('tag', 'one threshold such as #threshold:0.7, of at most 6 places')
    this.#tags = this.#tags.filter(tag => !tag.startsWith('threshold:'))
    return Math.round(Number(figure) * 1e6)
  }

  /** None of these may be there. */
  without(...parts: readonly Exclude<Part, 'target' | 'decorator'>[]): this {
    for (const part of parts) {
      const isThere = part === 'payload' ? this.statement.payload !== undefined : this.#values(part).length > 0
      if (isThere) this.refuse(part, `${this.statement.operator} takes no ${part}`)
    }
    return this
  }

  needName(): string {
    const { target } = this.statement
    return target === undefined || target === '' ? this.refuse('target', 'it needs a target') : target
  }

  one(type: 'limit' | 'depth' | 'project' | 'format'): string | undefined {
    return this.#values(type)[0]
  }

  payload(): Pick<RowFacts, 'text' | 'fields'> {
    const { text, fields } = this.statement.payload ?? {}
    return { text, fields }
  }

  facts(): RowFacts {
    const { plane, verb, target } = this.statement
    this.#noDecorator()
    return { plane, verb, name: target, ...this.payload(), tags: this.#tags, project: this.one('project'), format: this.one('format') }
  }

  narrowing(): Narrowing {
    const { plane, target } = this.statement
    this.#noDecorator()
    return { plane, name: target, tags: this.#tags, since: this.#values('time').map(sinceOf), project: this.one('project') }
  }

  /** What changes or deletes says which: never all there is. */
  narrowed(): Narrowing {
    const narrowing = this.narrowing()
    const { name, tags, since, project } = narrowing
    if (name === undefined && tags.length === 0 && since.length === 0 && project === undefined)
      this.refuse('target', 'it needs a target or a filter; all that there is cannot be meant')
    return narrowing
  }

  /** How much is wanted, and in which form. */
  answer(): { readonly limit: number | undefined; readonly format: string | undefined } {
    const limit = this.one('limit')
    this.#noDecorator()
    return { limit: limit === undefined ? undefined : Math.min(Number(limit), mostRows), format: this.one('format') }
  }

  #values(type: CTXFilterType): readonly string[] {
    return this.statement.filters.filter(filter => filter.type === type).map(({ value }) => value)
  }

  #noDecorator(): void {
    if (this.#decorator !== undefined) this.refuse('decorator', `@${this.#decorator} means nothing there`)
  }

  /** PostgreSQL keeps no U+0000, so no target has it: the rows are the same everywhere. */
  #checkCharacters(): void {
    const { target, filters, payload } = this.statement
    const texts = [target, ...filters.map(({ value }) => value), payload?.text, ...Object.values(payload?.fields ?? {})]
    if (texts.some(text => text?.includes('\0'))) this.refuse('payload', 'no text may hold U+0000')
  }
}

/** Of a time that the grammar knows: `isTime`. */
export function sinceOf(time: string): Since {
  const [, count, unit] = /^(\d+)([smhdwMy])$/.exec(time) ?? []
  if (count !== undefined) return { ago: Math.min(Number(count) * secondsOf[unit!]!, Number.MAX_SAFE_INTEGER) }
  return { at: Math.floor(Date.parse(`${withZone(time)}`) / 1_000) }
}

/** A moment without a zone is UTC. At most milliseconds: what `Date` reads. */
function withZone(time: string): string {
  const moment = time.replace(/(\.\d{3})\d+/, '$1')
  return !moment.includes('T') || moment.endsWith('Z') ? moment : `${moment}Z`
}
