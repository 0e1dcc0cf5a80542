import type { Json, ModelAction } from '../core/types.js'

/** A tool that a model request declares. */
export interface DeclaredTool {
  /** Its `name`; its `type` where it has none. */
  readonly name: string
  /** It runs at the server of the API, so that its calls are never a tool action here. */
  readonly atServer: boolean
  readonly definition: Json
}

/** Typed tools whose calls come back to the client. */
const clientTypes = /^(custom$|bash_|text_editor_|computer_|memory_)/

/** What a request lets the model use, `mcp_servers` included (as one of that name). */
export function declaredTools({ request }: ModelAction): readonly DeclaredTool[] {
  const { tools, mcp_servers: servers } = request
  const declared = Array.isArray(tools) ? tools.map(declaredTool) : []
  const remote = Array.isArray(servers) && servers.length > 0
  return remote ? [...declared, { name: 'mcp_servers', atServer: true, definition: servers as Json }] : declared
}

function declaredTool(definition: Json): DeclaredTool {
  const { name, type } = (definition ?? {}) as { readonly name?: unknown; readonly type?: unknown }
  const atServer = typeof type === 'string' && !clientTypes.test(type)
  return { name: typeof name === 'string' ? name : String(type), atServer, definition }
}
