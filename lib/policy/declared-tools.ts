import type { Json, ModelAction } from '../core/types.js'
import type { Finding } from './types.js'

/**
 * Looks at one tool that a model request declares.
 * @param name - its `name`; its `type` where it has none; `mcp_servers` for those servers
 * @param atServer - it runs at the server of the API, so that its calls are never a tool action here
 */
export type DeclaredLook = (name: string, atServer: boolean, definition: Json) => Finding | undefined

/** Typed tools whose calls come back to the client. */
const clientTypes = /^(?:custom$|bash_|text_editor_|computer_|memory_)/

/** What the first look finds that finds something. On the way of every model request: it allocates nothing. */
export function firstDeclared({ request: { tools, mcp_servers: servers } }: ModelAction, look: DeclaredLook): Finding | undefined {
  if (Array.isArray(servers) && servers.length > 0) {
    const found = look('mcp_servers', true, servers)
    if (found) return found
  }
  if (!Array.isArray(tools)) return
  for (let at = 0; at < tools.length; at++) {
    const found = lookAt(tools[at], look)
    if (found) return found
  }
}

function lookAt(definition: Json, look: DeclaredLook): Finding | undefined {
  const { name, type } = (definition ?? {}) as { readonly name?: unknown; readonly type?: unknown }
  const atServer = typeof type === 'string' && !clientTypes.test(type)
  return look(typeof name === 'string' ? name : String(type), atServer, definition)
}
