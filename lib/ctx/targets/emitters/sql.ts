import type { CTXStatement } from '../../language/ast.js'
import type { Narrowing, Operation, RowFacts, SearchOperation, Since, TraverseOperation } from '../operation.js'
import { operationOf } from '../read-operation.js'
import { beginning } from './sql-schema.js'

/**
 * One statement of SQL, which SQLite and PostgreSQL read alike, over the tables of `sqlSchema`.
 * @throws CtxUnsupportedError where the statement asks for what no table has
 */
export const sql = (statement: CTXStatement): string => `${statementOf(operationOf(statement))};`

/** Several, in one transaction: where one of them fails, the caller rolls back. */
export const sqlBatch = (statements: readonly CTXStatement[]): string => `${['BEGIN;', ...statements.map(sql), 'COMMIT;'].join('\n')}`

function statementOf(operation: Operation): string {
  switch (operation.does) {
    case 'store':
      return insert('ctx_entry', { ...rowOf(operation), name: text(operation.name), weight: '1', changed: 'seconds' })
    case 'relate': {
      const { from, relation, to } = operation
      return insert('ctx_edge', { ...rowOf(operation), source: text(from), relation: text(relation), target: text(to) })
    }
    case 'call':
      return insert('ctx_call', { operator: text(operation.operator), ...rowOf(operation), name: text(operation.name) })
    case 'search':
      return search(operation)
    case 'lookup':
      return `${select(operation.format)} FROM ctx_entry WHERE ${where(operation)} ORDER BY created DESC${limit(operation)}`
    case 'traverse':
      return walk(operation)
    case 'update':
      return `UPDATE ctx_entry SET text = ${text(operation.text)}, fields = ${object(operation.fields)}, changed = ${now} WHERE ${where(operation)}`
    case 'promote':
      return `UPDATE ctx_entry SET weight = weight + 1, changed = ${now} WHERE ${where(operation)}`
    case 'delete':
      return `DELETE FROM ctx_entry WHERE ${where(operation)}`
  }
}

/** A literal: both engines take a backslash for itself. */
const text = (value: string | undefined): string =>
  value === undefined ? 'NULL' : `'${value.includes("'") ? value.replaceAll("'", "''") : value}'`

/** A string of JSON that holds neither quotes nor commas: raw ones only ever delimit, so that `"a"` in a list is the tag `a` and nothing else. */
function element(value: string): string {
  const string = JSON.stringify(value)
  return /[\\,]/.test(string)
    ? string.replace(/\\(.)|,/g, (found, escaped) => (found === ',' ? '\\u002c' : escaped === '"' ? '\\u0022' : found))
    : string
}

const list = (values: readonly string[]): string => text(`[${values.map(element).join(',')}]`)

const object = (fields: Readonly<Record<string, string>> | undefined): string =>
  fields === undefined
    ? 'NULL'
    : text(
        `{${Object.entries(fields)
          .map(([name, value]) => `"${name}":${element(value)}`)
          .join(',')}}`,
      )

const now = '(SELECT seconds FROM ctx_now)'

function rowOf({ plane, verb, text: payload, fields, tags, project, format }: Omit<RowFacts, 'name'>): Readonly<Record<string, string>> {
  return {
    plane: text(plane),
    verb: text(verb),
    text: text(payload),
    fields: object(fields),
    tags: list(tags),
    project: text(project),
    format: text(format),
    created: 'seconds',
  }
}

const insert = (table: string, row: Readonly<Record<string, string>>): string =>
  `INSERT INTO ${table} (${Object.keys(row).join(', ')}) SELECT ${Object.values(row).join(', ')} FROM ctx_now`

const columns = 'plane, verb, name, text, fields, tags, project, format, weight, created, changed'
const select = (format: string | undefined): string => `SELECT ${columns}${format === undefined ? '' : `, ${text(format)} AS wanted`}`
const limit = ({ limit }: { readonly limit?: number | undefined }): string => (limit === undefined ? '' : ` LIMIT ${limit}`)

/** Case counts, and so does every character: what `LIKE` does differs between engines. */
const holds = (column: string, part: string): string => `REPLACE(${column}, ${part}, '') <> ${column}`
const said = (part: string): string => `(${holds('name', part)} OR ${holds('text', part)})`

/** The whole text, found by its beginning: that is what the index has. */
const is = (column: string, value: string): string => `${beginning(column)} = ${beginning(value)} AND ${column} = ${value}`

function where({ plane, name, tags, since, project }: Narrowing, time: 'created' | 'changed' = 'created'): string {
  const conditions = [
    `plane = ${text(plane)}`,
    ...(name === undefined ? [] : [is('name', text(name))]),
    ...tags.map(tag => holds('tags', text(element(tag)))),
    ...since.map(moment => `${time} >= ${momentOf(moment)}`),
    ...(project === undefined ? [] : [`project = ${text(project)}`]),
  ]
  return conditions.join(' AND ')
}

const momentOf = (since: Since): string => ('at' in since ? `${since.at}` : `${now} - ${since.ago}`)

/** Since the last change. One by a clock that was ahead is of now. */
const idle = `(CASE WHEN changed < ${now} THEN ${now} - changed ELSE 0 END)`
/** Weight in millionths, that halves in the first 30 days after a change and goes on to fall. As a double it is the same figure on both engines. */
const strength = `CAST(weight AS DOUBLE PRECISION) * 2592000000000 / (2592000 + ${idle})`

function search(operation: SearchOperation): string {
  const { ranking, query, verb, format } = operation
  const which = [where(operation, ranking?.by === 'changes' ? 'changed' : 'created')]
  if (verb !== undefined) which.push(`verb = ${text(verb)}`)
  if (query !== undefined) which.push(said(text(query)))
  if (ranking?.by === 'similar') return similar(operation, ranking.words, which)
  if (ranking?.by === 'grounded') which.push(holds('fields', `'"source":'`))
  if (ranking?.by === 'decay' && ranking.threshold !== undefined) which.push(`${strength} >= ${ranking.threshold}`)
  return `${select(format)} FROM ctx_entry WHERE ${which.join(' AND ')} ORDER BY ${orderOf(ranking?.by)}created DESC${limit(operation)}`
}

function orderOf(by: string | undefined): string {
  if (by === 'changes') return 'changed DESC, '
  return by === 'decay' ? `${strength} DESC, ` : ''
}

/** The words are rows, since an expression may not be deep on SQLite. */
function similar(operation: SearchOperation, words: readonly string[], which: readonly string[]): string {
  const listed = `WITH words (word) AS (VALUES ${words.map(word => `(${text(word)})`).join(', ')})`
  const hits = `(SELECT COUNT(*) FROM words WHERE ${said('word')}) AS hits`
  const found = `found AS (SELECT ${columns}, ${hits} FROM ctx_entry WHERE ${which.join(' AND ')})`
  return `${listed}, ${found} ${select(operation.format)} FROM found WHERE hits > 0 ORDER BY hits DESC, created DESC${limit(operation)}`
}

/** SQLite takes the tables of a CROSS JOIN in this order: by the index at each step, not over all edges. */
function walk(operation: TraverseOperation): string {
  const { plane, from, depth, format } = operation
  const first = `SELECT target, 1 FROM ctx_edge WHERE plane = ${text(plane)} AND ${is('source', text(from))} AND 1 <= ${depth}`
  const further = `plane = ${text(plane)} AND ${is('source', 'walk.name')} AND step < ${depth}`
  const next = `SELECT target, step + 1 FROM walk CROSS JOIN ctx_edge WHERE ${further}`
  const wanted = format === undefined ? '' : `, ${text(format)} AS wanted`
  return `WITH RECURSIVE walk (name, step) AS (${first} UNION ${next}) SELECT name, MIN(step) AS step${wanted} FROM walk WHERE name <> ${text(from)} GROUP BY name ORDER BY MIN(step)${limit(operation)}`
}
