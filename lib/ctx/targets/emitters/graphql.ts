import type { CTXStatement } from '../../language/ast.js'
import { visibleJson } from '../../language/escape.js'
import type { Narrowing, Operation, Ranking, RelateOperation, RowFacts, SearchOperation } from '../operation.js'
import { operationOf } from '../read-operation.js'

/** A query or a mutation with its values in it, for a server of `graphqlSchema`. @throws CtxUnsupportedError */
export function graphql(statement: CTXStatement): string {
  const operation = operationOf(statement)
  return `${typeOf([operation])} { ${fieldOf(operation)} }`
}

/**
 * Several as one query or one mutation, with the fields `s1`, `s2`, … Those of a mutation run one after the other, those of a query anyhow: what
 * is read between changes is a field of the mutation. @throws CtxUnsupportedError
 */
export function graphqlBatch(statements: readonly CTXStatement[]): string {
  const operations = statements.map(statement => operationOf(statement))
  if (operations.length === 0) return 'query { __typename }'
  const fields = operations.map((operation, at) => `  s${at + 1}: ${fieldOf(operation)}\n`)
  return `${typeOf(operations)} {\n${fields.join('')}}`
}

const reads: readonly Operation['does'][] = ['search', 'lookup', 'traverse']

const typeOf = (operations: readonly Operation[]): 'query' | 'mutation' =>
  operations.every(({ does }) => reads.includes(does)) ? 'query' : 'mutation'

const entry = ' { plane verb name text fields { name value } tags project format weight created changed }'

function fieldOf(operation: Operation): string {
  switch (operation.does) {
    case 'store':
      return field('store', facts(operation))
    case 'relate':
      return field('relate', { ...ends(operation), ...facts(operation) })
    case 'call':
      return field(operation.operator === '^' ? 'delegate' : 'call', facts(operation))
    case 'search':
      return field('search', { ...searched(operation), ...ranked(operation.ranking), ...answer(operation) }) + entry
    case 'traverse': {
      const { plane, from, depth } = operation
      return `${field('traverse', { plane, from: text(from), depth, ...answer(operation) })} { name step }`
    }
    case 'lookup':
      return field('lookup', { ...narrowing(operation), ...answer(operation) }) + entry
    case 'update':
      return field('update', { ...narrowing(operation), ...payload(operation) })
    case 'promote':
    case 'delete':
      return field(operation.does, narrowing(operation))
  }
}

/** As they stand in the document. Words and numbers are written as they are, texts by `text` before. */
type Arguments = Readonly<Record<string, string | number | undefined>>

function field(name: string, values: Arguments): string {
  let written = ''
  for (const key of Object.keys(values)) {
    const value = values[key]
    if (value !== undefined) written += `${written === '' ? '' : ', '}${key}: ${value}`
  }
  return `${name}(${written})`
}

const text = (value: string | undefined): string | undefined => (value === undefined ? undefined : visibleJson(value))

const list = (values: readonly (string | number | undefined)[]): string | undefined =>
  values.length === 0 ? undefined : `[${values.join(', ')}]`

const ends = ({ from, relation, to }: RelateOperation): Arguments => ({ from: text(from), relation: text(relation), to: text(to) })

const facts = ({ plane, verb, name, tags, project, format, ...said }: RowFacts): Arguments => ({
  plane,
  verb,
  name: text(name),
  ...payload(said),
  tags: list(tags.map(text)),
  project: text(project),
  format: text(format),
})

/** No name of an input object may begin with a digit: fields are a list. */
const payload = ({ text: said, fields = {} }: Pick<RowFacts, 'text' | 'fields'>): Arguments => ({
  text: text(said),
  fields: list(Object.entries(fields).map(([name, value]) => `{ name: ${text(name)}, value: ${text(value)} }`)),
})

const narrowing = ({ plane, name, tags, since, project }: Narrowing): Arguments => ({
  plane,
  name: text(name),
  tags: list(tags.map(text)),
  within: list(since.flatMap(one => ('ago' in one ? one.ago : []))),
  since: list(since.flatMap(one => ('at' in one ? one.at : []))),
  project: text(project),
})

const searched = ({ verb, query, ...which }: SearchOperation): Arguments => ({
  ...narrowing(which),
  verb,
  query: text(query),
})

function ranked(ranking: Ranking | undefined): Arguments {
  if (ranking?.by === 'similar') return { by: ranking.by, words: list(ranking.words.map(text)) }
  if (ranking?.by === 'decay') return { by: ranking.by, threshold: ranking.threshold }
  return { by: ranking?.by }
}

const answer = ({ limit, format }: { limit?: number | undefined; format?: string | undefined }): Arguments => ({
  limit,
  format: text(format),
})
