import type { CallOperation } from '../../operation.js'
import { type EntryOperation, entriesOf } from './entries.js'
import { object, optional, text } from './literal.js'
import { rowOf } from './row.js'

const entries = entriesOf('ctx_document')

/** Sub-emitter of all other planes, and of calls. */
export function document(operation: EntryOperation | CallOperation): string {
  if (operation.does !== 'call') return entries(operation)
  const { operator, name } = operation
  return `CREATE ctx_call CONTENT ${object({ operator: text(operator), ...rowOf(operation), name: optional(name, text) })} RETURN NONE`
}
