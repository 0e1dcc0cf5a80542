import type { CTXStatement } from '../../language/ast.js'
import type { Operation } from '../operation.js'
import { operationOf } from '../read-operation.js'
import { document } from './surrealql/document.js'
import { graph } from './surrealql/graph.js'
import { knowledge } from './surrealql/knowledge.js'
import { memory } from './surrealql/memory.js'

/**
 * One statement of SurrealQL, over the tables of `surrealqlSchema`. Four sub-emitters: `memory`, `knowledge`, `graph` and `document`.
 * @throws CtxUnsupportedError where the statement asks for what no table has
 */
export const surrealql = (statement: CTXStatement): string => `${statementOf(operationOf(statement))};`

/** Several, in one transaction: all of them, or none. */
export const surrealqlBatch = (statements: readonly CTXStatement[]): string =>
  ['BEGIN TRANSACTION;', ...statements.map(surrealql), 'COMMIT TRANSACTION;'].join('\n')

function statementOf(operation: Operation): string {
  if (operation.does === 'relate' || operation.does === 'traverse') return graph(operation)
  if (operation.does === 'call') return document(operation)
  if (operation.plane === 'm') return memory(operation)
  return operation.plane === 'k' ? knowledge(operation) : document(operation)
}
