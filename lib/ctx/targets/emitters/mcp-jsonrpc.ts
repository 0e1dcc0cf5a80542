import type { CTXStatement } from '../../language/ast.js'
import { visibleJson } from '../../language/escape.js'
import type { CallOperation, Operation } from '../operation.js'
import { operationOf } from '../read-operation.js'

/**
 * A request of the Model Context Protocol, `tools/call`, as one line of JSON. `>t` calls the tool that it names; all else is a tool of
 * `mcpToolList`. @throws CtxUnsupportedError
 */
export const mcpJsonrpc = (statement: CTXStatement): string => request(operationOf(statement), 1)

/** Several, a line each, with the ids 1, 2, … @throws CtxUnsupportedError */
export function mcpJsonrpcBatch(statements: readonly CTXStatement[]): string {
  const operations = statements.map(statement => operationOf(statement))
  return operations.map((operation, at) => request(operation, at + 1)).join('\n')
}

const request = (operation: Operation, id: number): string =>
  visibleJson({ jsonrpc: '2.0', id, method: 'tools/call', params: isOfAnotherTool(operation) ? calling(operation) : asking(operation) })

/** A name that begins like those of the list is none of another tool: calling something never deletes anything. */
const isOfAnotherTool = (operation: Operation): operation is CallOperation & { readonly name: string } =>
  operation.does === 'call' && operation.plane === 't' && !!operation.name && !operation.name.startsWith('ctx_')

const asking = ({ does, ...said }: Operation): object => ({ name: `ctx_${does}`, arguments: filled(said) })

/** The fields are the arguments; what arguments cannot say stands beside them. */
function calling({ name, text, fields, tags, project, format }: CallOperation): object {
  const beside = {
    'outrigger.ctx/payload': text === undefined ? undefined : 'text',
    'outrigger.ctx/tags': tags,
    'outrigger.ctx/project': project,
    'outrigger.ctx/format': format,
  }
  const _meta = filled(beside)
  return { name, arguments: text === undefined ? fields : { text }, ...(Object.keys(_meta).length > 0 && { _meta }) }
}

/** Without what says nothing: members that are absent, and empty lists. */
function filled(members: object): object {
  const said: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(members))
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) said[name] = value
  return said
}
