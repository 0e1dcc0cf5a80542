import type {
  DeleteOperation,
  LookupOperation,
  Narrowing,
  PromoteOperation,
  SearchOperation,
  Since,
  StoreOperation,
  UpdateOperation,
} from '../../operation.js'
import { fieldsOf, list, object, text } from './literal.js'
import { limit, rowOf, wanted } from './row.js'

/** What can be asked of a table of entries. */
export type EntryOperation = StoreOperation | SearchOperation | LookupOperation | UpdateOperation | PromoteOperation | DeleteOperation

const columns = 'plane, verb, name, text, fields, tags, project, format, weight, created, changed'
const change = 'changed = time::unix()'

/** The emitter of a table of entries. */
export function entriesOf(table: string): (operation: EntryOperation) => string {
  return operation => {
    switch (operation.does) {
      case 'store':
        return `CREATE ${table} CONTENT ${object({ ...rowOf(operation), ...begun(operation.name) })} RETURN NONE`
      case 'search':
        return search(table, operation)
      case 'lookup':
        return `SELECT ${columns}${wanted(operation.format)} FROM ${table} WHERE ${where(operation)} ORDER BY created DESC${limit(operation)}`
      case 'update':
        return `UPDATE ${table} SET ${payload(operation)}, ${change} WHERE ${where(operation)} RETURN NONE`
      case 'promote':
        return `UPDATE ${table} SET weight += 1, ${change} WHERE ${where(operation)} RETURN NONE`
      case 'delete':
        return `DELETE ${table} WHERE ${where(operation)}`
    }
  }
}

const begun = (name: string | undefined): Readonly<Record<string, string>> => ({
  ...(name === undefined ? {} : { name: text(name) }),
  weight: '1',
  changed: 'time::unix()',
})

const payload = (operation: UpdateOperation): string =>
  `text = ${operation.text === undefined ? 'NONE' : text(operation.text)}, fields = ${operation.fields === undefined ? 'NONE' : fieldsOf(operation.fields)}`

function where({ plane, name, tags, since, project }: Narrowing, time: 'created' | 'changed' = 'created'): string {
  const conditions = [
    `plane = ${text(plane)}`,
    ...(name === undefined ? [] : [`name = ${text(name)}`]),
    ...(tags.length === 0 ? [] : [`tags CONTAINSALL ${list(tags)}`]),
    ...(since.length === 0 ? [] : [`${time} >= ${latest(since.map(momentOf))}`]),
    ...(project === undefined ? [] : [`project = ${text(project)}`]),
  ]
  return conditions.join(' AND ')
}

const momentOf = (since: Since): string => ('at' in since ? `${since.at}` : `time::unix() - ${since.ago}`)

/** One condition for all of them: joined by `AND`, SurrealDB takes about a hundred to be too deep. */
const latest = (moments: readonly string[]): string => (moments.length === 1 ? moments[0]! : `math::max([${moments.join(', ')}])`)

/** Does the name or the text hold it? */
const holds = (of: string, part: string): string =>
  `(string::contains(${of}name ?? '', ${part}) OR string::contains(${of}text ?? '', ${part}))`

/** Weight in millionths, that halves in the first 30 days after a change and goes on to fall. A change by a clock that was ahead is of now. */
const strength = 'weight * 2592000000000f / (2592000 + math::max([0, time::unix() - changed]))'

function search(table: string, operation: SearchOperation): string {
  const { ranking, query, verb, format } = operation
  const which = [where(operation, ranking?.by === 'changes' ? 'changed' : 'created')]
  if (verb !== undefined) which.push(`verb = ${text(verb)}`)
  if (query !== undefined) which.push(holds('', text(query)))
  if (ranking?.by === 'grounded') which.push('fields.source != NONE')
  if (ranking?.by === 'decay' && ranking.threshold !== undefined) which.push(`${strength} >= ${ranking.threshold}`)
  const from = ` FROM ${table} WHERE ${which.join(' AND ')}`
  if (ranking?.by === 'similar') return similar(operation, ranking.words, from)
  const [figure, order] = orderOf(ranking?.by)
  return `SELECT ${columns}${figure}${wanted(format)}${from} ORDER BY ${order}created DESC${limit(operation)}`
}

function orderOf(by: string | undefined): readonly [figure: string, order: string] {
  if (by === 'decay') return [`, ${strength} AS strength`, 'strength DESC, ']
  return by === 'changes' ? ['', 'changed DESC, '] : ['', '']
}

function similar(operation: SearchOperation, words: readonly string[], from: string): string {
  const hits = `array::len((SELECT VALUE $this FROM ${list(words)} WHERE ${holds('$parent.', '$this')})) AS hits`
  return `SELECT *${wanted(operation.format)} FROM (SELECT ${columns}, ${hits}${from}) WHERE hits > 0 ORDER BY hits DESC, created DESC${limit(operation)}`
}
