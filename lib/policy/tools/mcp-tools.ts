import type { Json, ModelAction } from '../../core/types.js'
import { shown } from '../check-options.js'
import type { Finding } from '../types.js'

/** Which tools of an MCP server a request lets the API use: those of the list, or all but those. */
interface Reach {
  readonly server: string
  readonly all: boolean
  readonly names: readonly string[]
}

/** Names in a list of tools that stand for every MCP server. */
export const everyServer = 'mcp_servers'

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** The one name of a tool of an MCP server, as agents' clients spell it too. */
export const mcpName = (server: string, tool: string): string => `mcp__${server}__${tool}`

/** What a request lets the API use of MCP servers. Without any it allocates nothing. */
export function mcpReach({ request, thread }: ModelAction): readonly Reach[] {
  const reach = reachOf(request)
  return thread ? [...reach, ...reachOf(thread)] : reach
}

function reachOf({ tools, mcp_servers: servers }: Fields): readonly Reach[] {
  const hasSets = Array.isArray(tools) && tools.some(isToolset)
  if (!hasSets && (!Array.isArray(servers) || servers.length === 0)) return none
  const sets = listOf(tools).filter(isToolset).map(toolsetReach)
  const others = listOf(servers)
    .map(serverReach)
    .filter(({ server }) => !sets.some(set => set.server === server))
  return [...sets, ...others]
}

const none: readonly Reach[] = Object.freeze([])

/** The type of a set of tools of an MCP server, as an element of `tools`. */
export function isToolset(definition: unknown): boolean {
  return fieldsOf(definition).type === 'mcp_toolset'
}

function toolsetReach(definition: unknown): Reach {
  const { mcp_server_name: server, default_config: byDefault, configs } = fieldsOf(definition)
  const all = fieldsOf(byDefault).enabled !== false
  const names = Object.entries(fieldsOf(configs)).flatMap(([name, config]) => ((fieldsOf(config).enabled !== false) === all ? [] : [name]))
  return { server: String(server), all, names }
}

function serverReach(definition: unknown): Reach {
  const { name, tool_configuration: configuration } = fieldsOf(definition)
  const { enabled, allowed_tools: only } = fieldsOf(configuration)
  if (enabled === false) return { server: String(name), all: false, names: [] }
  return Array.isArray(only)
    ? { server: String(name), all: false, names: only.map(String) }
    : { server: String(name), all: true, names: [] }
}

/** May a tool of this name be used within that reach? */
export function reaches({ server, all, names }: Reach, name: string): boolean {
  const prefix = mcpName(server, '')
  return name.startsWith(prefix) && names.includes(name.slice(prefix.length)) !== all
}

/** Lists of tools, as `rules.tools` has them. */
interface Lists {
  readonly allow: ReadonlySet<string> | undefined
  readonly deny: ReadonlySet<string>
}

/** What is wrong with what a request lets the API use of one server. `mcp__server` in a list stands for all its tools. */
export function reachFinding({ allow, deny }: Lists, reach: Reach): Finding | undefined {
  const { server, all, names } = reach
  if (!all && names.length === 0) return
  const whole = [everyServer, 'mcp_toolset', `mcp__${server}`]
  if (whole.some(name => deny.has(name))) return { details: `MCP server ${shown(server)} is denied` }
  for (const name of deny)
    if (reaches(reach, name)) return { details: `tool ${shown(name)} is denied, and the request lets the API use it` }
  if (!allow || whole.some(name => allow.has(name))) return
  if (server.includes('__')) return { details: `tools of MCP server ${shown(server)} cannot be told from those of others by their names` }
  if (all) return { details: `MCP server ${shown(server)} is not on the list of those allowed` }
  const other = names.find(name => !allow.has(mcpName(server, name)))
  if (other !== undefined) return { details: `tool ${shown(mcpName(server, other))} is not on the list of those allowed` }
}

/** The names by which a block of an answer counts, where it is a call that the API has made itself. */
export function serverCall(block: Json): readonly string[] {
  const { type, name, server_name: server } = fieldsOf(block)
  if (typeof name !== 'string') return []
  if (type === 'mcp_tool_use') return [mcpName(String(server), name)]
  if (type !== 'server_tool_use') return []
  // The code execution tool runs under names of its own: `bash_code_execution`, `text_editor_code_execution`.
  return name.endsWith('_code_execution') ? [name, 'code_execution'] : [name]
}
