import type { ModelAction } from '../../core/types.js'
import type { ToolEnd } from './outside-call.js'

type Fields = { readonly [name: string]: unknown }

/** What a request says of tool calls. */
export interface ToldResults {
  /** By the id of the call. */
  readonly results: ReadonlyMap<string, ToolEnd>
  /** Ids of calls that stand in it. */
  readonly calls: ReadonlySet<string>
  /** The answer that it goes on from, where a server thread holds the calls. */
  readonly previous: string | undefined
}

/** Reads a request. A tool_result that was sent before stands in every later one again. */
export function toldResults({ request }: ModelAction): ToldResults {
  const results = new Map<string, ToolEnd>()
  const calls = new Set<string>()
  for (const message of list(request.messages))
    for (const { type, id, tool_use_id: of, is_error: failed, content } of list(message.content)) {
      if (type === 'tool_use' && typeof id === 'string') calls.add(id)
      if (type === 'tool_result' && typeof of === 'string') results.set(of, { failed: failed === true, content: content ?? null })
    }
  const { previous_message_id: previous } = fields(request.thread)
  return { results, calls, previous: typeof previous === 'string' ? previous : undefined }
}

const list = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fields) : [])
const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
