import { CtxUnsupportedError } from '../../../core/errors.js'
import type { CTXStatement } from '../../language/ast.js'
import type { CTXPlane } from '../../language/grammar.js'
import type { Narrowing, Operation, Ranking, RowFacts, SearchOperation, Since } from '../operation.js'
import { operationOf } from '../read-operation.js'

/** A request, before it is written as HTTP: also what a batch lists. */
interface RestRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With its query. */
  readonly path: string
  readonly body?: object
}

/**
 * One HTTP/1.1 request, to a server of `restDocument`.
 * @throws CtxUnsupportedError where the statement asks for what the server has not, or its URL would be longer than servers must take
 */
export const rest = (statement: CTXStatement): string => httpOf(requestOf(statement))

/** Several, as one request that is answered whole or not at all. */
export const restBatch = (statements: readonly CTXStatement[]): string =>
  httpOf({ method: 'POST', path: '/v1/batch', body: statements.map(requestOf) })

function httpOf({ method, path, body }: RestRequest): string {
  const head = [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Accept: application/json']
  if (body === undefined) return `${[...head, ...(method === 'POST' ? ['Content-Length: 0'] : [])].join('\r\n')}\r\n\r\n`
  const json = JSON.stringify(body)
  const content = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(json)}`]
  return `${[...head, ...content].join('\r\n')}\r\n\r\n${json}`
}

// RFC 9110, section 4.1: servers should take a request line of 8,000 octets at least.
const longestPath = 7_980

function requestOf(statement: CTXStatement): RestRequest {
  const operation = operationOf(statement)
  const request = requestFor(operation)
  if (request.path.length <= longestPath) return request
  const { operator, plane } = statement
  throw new CtxUnsupportedError({
    pair: `${operator}${plane}`,
    part: longestPart(statement),
    says: `its URL would be longer than ${longestPath} bytes`,
  })
}

const longestPart = ({ target = '', filters }: CTXStatement): string =>
  [{ type: 'target', value: target }, ...filters].reduce((longest, part) => (part.value.length > longest.value.length ? part : longest))
    .type

function requestFor(operation: Operation): RestRequest {
  const { plane } = operation
  switch (operation.does) {
    case 'store':
      return { method: 'POST', path: `/v1/${plane}/entries`, body: { ...facts(operation), name: operation.name } }
    case 'relate': {
      const { from, relation, to } = operation
      return { method: 'POST', path: `/v1/${plane}/edges`, body: { from, relation, to, ...facts(operation) } }
    }
    case 'call':
      return {
        method: 'POST',
        path: `/v1/${plane}/calls`,
        body: { operator: operation.operator, ...facts(operation), name: operation.name },
      }
    case 'search':
      return { method: 'GET', path: entries(plane, [...narrowing(operation), ...search(operation), ...answer(operation)]) }
    case 'lookup':
      return { method: 'GET', path: entries(plane, [...narrowing(operation), ...answer(operation)]) }
    case 'traverse': {
      const { from, depth } = operation
      return { method: 'GET', path: `/v1/${plane}/walks${query([['from', from], ['depth', depth], ...answer(operation)])}` }
    }
    case 'update':
      return { method: 'PATCH', path: entries(plane, narrowing(operation)), body: { text: operation.text, fields: operation.fields } }
    case 'promote':
      return { method: 'POST', path: `/v1/${plane}/promotions${query(narrowing(operation))}` }
    case 'delete':
      return { method: 'DELETE', path: entries(plane, narrowing(operation)) }
  }
}

const facts = ({ verb, text, fields, tags, project, format }: Omit<RowFacts, 'name'>): object => ({
  verb,
  text,
  fields,
  tags,
  project,
  format,
})

type Parameter = readonly [name: string, value: string | number | undefined]

const entries = (plane: CTXPlane, parameters: readonly Parameter[]): string => `/v1/${plane}/entries${query(parameters)}`

function query(parameters: readonly Parameter[]): string {
  const given = parameters.filter(([, value]) => value !== undefined)
  return given.length === 0 ? '' : `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value!)}`).join('&')}`
}

const narrowing = ({ name, tags, since, project }: Omit<Narrowing, 'plane'>): readonly Parameter[] => [
  ['name', name],
  ...tags.map((tag): Parameter => ['tag', tag]),
  ...since.map(moment),
  ['project', project],
]

const moment = (since: Since): Parameter => ('at' in since ? ['since', since.at] : ['ago', since.ago])

const search = ({ verb, query: part, ranking }: SearchOperation): readonly Parameter[] => [
  ['verb', verb],
  ['q', part],
  ...(ranking ? rankedBy(ranking) : []),
]

function rankedBy(ranking: Ranking): readonly Parameter[] {
  const by: Parameter = ['by', ranking.by]
  if (ranking.by === 'similar') return [by, ...ranking.words.map((word): Parameter => ['word', word])]
  return ranking.by === 'decay' ? [by, ['threshold', ranking.threshold]] : [by]
}

const answer = ({ limit, format }: { readonly limit?: number | undefined; readonly format?: string | undefined }): readonly Parameter[] => [
  ['limit', limit],
  ['format', format],
]
