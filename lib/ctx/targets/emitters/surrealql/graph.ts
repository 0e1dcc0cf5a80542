import type { CTXPlane } from '../../../language/grammar.js'
import type { RelateOperation, TraverseOperation } from '../../operation.js'
import { object, text } from './literal.js'
import { limit, rowOf, wanted } from './row.js'

/** Sub-emitter of edges and of walks over them. */
export const graph = (operation: RelateOperation | TraverseOperation): string =>
  operation.does === 'relate' ? relate(operation) : traverse(operation)

/** A node is its plane and its name. */
const node = (plane: CTXPlane, name: string): string => `ctx_node:[${text(plane)}, ${text(name)}]`

function relate(operation: RelateOperation): string {
  const { plane, from, relation, to } = operation
  const content = object({ relation: text(relation), ...rowOf(operation) })
  return `RELATE ${node(plane, from)}->ctx_edge->${node(plane, to)} CONTENT ${content} RETURN NONE`
}

/** A walk tells what it comes to, not in how many steps: so there is one for each number of steps, and the least counts. */
function traverse(operation: TraverseOperation): string {
  const { plane, from, depth, format } = operation
  const start = node(plane, from)
  const walks = Array.from({ length: depth }, (_, at) => walk(start, at + 1))
  const found = `SELECT name, math::min(step) AS step FROM array::flatten([${walks.join(', ')}]) WHERE name != ${text(from)} GROUP BY name`
  return `SELECT *${wanted(format)} FROM (${found}) ORDER BY step${limit(operation)}`
}

const walk = (start: string, steps: number): string =>
  `${start}.{1..${steps}+collect}(->ctx_edge->ctx_node).map(|$node| { name: record::id($node)[1], step: ${steps} })`
