import type { Json, ModelAction } from '../../core/types.js'
import type { Finding } from '../types.js'

/**
 * Looks at one tool that a model request declares.
 * @param name - its `name`; its `type` where it has none; `mcp_servers` for those servers
 * @param atServer - it runs at the server of the API, so that its calls are never a tool action here
 */
export type DeclaredLook = (name: string, atServer: boolean, definition: Json) => Finding | undefined

interface Fields {
  readonly [name: string]: Json | undefined
}

/** Typed tools whose calls come back to the client. */
const clientTypes = /^(?:custom$|bash_|text_editor_|computer_|browser_toolset_|memory_)/

/** Typed tools that stand for many, under names that a request does not say. */
const manyNamed = /_toolset_/

/** What the first look finds that finds something. On the way of every model request: it allocates nothing. */
export function firstDeclared({ request, thread }: ModelAction, look: DeclaredLook): Finding | undefined {
  const found = firstIn(request, look) ?? (thread && firstIn(thread, look))
  if (found) return found
  return firstAddition(request, tool => lookAt(tool.type === 'tool_definition' ? (tool.definition ?? null) : (tool as Json), look))
}

function firstIn({ tools, mcp_servers: servers }: Fields, look: DeclaredLook): Finding | undefined {
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
  if (type === 'tool_reference') return
  const atServer = typeof type === 'string' && !clientTypes.test(type)
  return look(typeof name === 'string' ? name : String(type), atServer, definition)
}

/** A message may bring tools of its own, behind those of `tools`. */
function firstAddition<T>({ messages }: ModelAction['request'], found: (tool: Fields) => T | undefined): T | undefined {
  if (!Array.isArray(messages)) return
  for (let at = 0; at < messages.length; at++) {
    const { content } = (messages[at] ?? {}) as Fields
    if (!Array.isArray(content)) continue
    for (let n = 0; n < content.length; n++) {
      const block = content[n] as Fields | null
      if (block?.type !== 'tool_addition') continue
      const one = found((block.tool ?? {}) as Fields)
      if (one !== undefined) return one
    }
  }
}

/** Does the request offer the model a tool of this name, or may it, for all that can be seen of it? */
export function offers({ request, thread }: ModelAction, name: string): boolean {
  if (!thread && continues(request.thread)) return true
  const isIt = (definition: unknown): true | undefined => {
    const { name: own, type } = (definition ?? {}) as Fields
    return own === name || (typeof type === 'string' && manyNamed.test(type)) ? true : undefined
  }
  for (const { tools } of thread ? [request, thread] : [request])
    if (Array.isArray(tools)) for (let at = 0; at < tools.length; at++) if (isIt(tools[at])) return true
  return firstAddition(request, tool => isIt(tool.type === 'tool_definition' ? tool.definition : tool)) ?? false
}

/** Does the server know more than what is sent? What a thread was begun with is not said again. */
function continues(thread: Json | undefined): boolean {
  return thread !== undefined && thread !== null && (thread as Fields).type !== 'create'
}
