import type { Json, ModelAction } from '../core/types.js'

type Declared = NonNullable<ModelAction['thread']>
type Fields = { readonly [name: string]: Json | undefined }

/** What is remembered of one message that a thread can go on from. */
interface Kept {
  readonly declared: Declared
  readonly chars: number
}

/** Messages that are remembered at the most, and characters of definitions, as JSON. */
const mostMessages = 1_024
const mostChars = 16 * 2 ** 20

/**
 * The tools that server threads were begun with, of one sidecar: a request that continues one does not say them again. Bounded: the message
 * that was answered longest ago is forgotten first, and its thread is then one that others have begun.
 */
export class ThreadTools {
  readonly #kept = new Map<string, Kept>()
  #chars = 0

  /** What the thread that `request` continues was begun with; `undefined` where it continues none, or one that was not seen. */
  of(request: ModelAction['request']): Declared | undefined {
    const { type, previous_message_id: id } = fields(request.thread)
    return type === 'continue' && typeof id === 'string' ? this.#kept.get(id)?.declared : undefined
  }

  /** An answer has come: its thread can go on from there. */
  note(action: ModelAction, answer: { readonly id: string; readonly content: unknown } | undefined): void {
    const { request, thread } = action
    if (!answer || typeof answer.id !== 'string' || !isThread(request.thread, thread)) return
    const declared = together(thread, request, answer.content)
    this.#forget(answer.id)
    // On the way of a thread that adds nothing, it is the same object: it is counted once more, never less than it takes.
    const chars = declared === thread ? (this.#keptBy(request)?.chars ?? 0) : JSON.stringify(declared).length
    this.#kept.set(answer.id, { declared, chars })
    this.#chars += chars
    while (this.#kept.size > mostMessages || this.#chars > mostChars) this.#forget(this.#kept.keys().next().value!)
  }

  #keptBy(request: ModelAction['request']): Kept | undefined {
    return this.#kept.get(String(fields(request.thread).previous_message_id))
  }

  #forget(id: string): void {
    this.#chars -= this.#kept.get(id)?.chars ?? 0
    this.#kept.delete(id)
  }
}

/** Of one that others have begun, nobody here knows the tools. */
function isThread(thread: Json | undefined, known: Declared | undefined): boolean {
  return fields(thread).type === 'create' || known !== undefined
}

function together(before: Declared | undefined, request: ModelAction['request'], answer: unknown): Declared {
  const tools = [
    ...list(request.tools),
    ...list(request.messages).flatMap(message => added(fields(message).content)),
    ...added(answer as Json),
  ]
  const servers = list(request.mcp_servers)
  if (before && tools.length === 0 && servers.length === 0) return before
  return Object.freeze({
    tools: Object.freeze([...(before?.tools ?? []), ...tools]),
    mcp_servers: Object.freeze([...(before?.mcp_servers ?? []), ...servers]),
  })
}

/** The tools that a message brings of its own. */
function added(content: Json | undefined): readonly Json[] {
  return list(content).flatMap(block => {
    const { type, tool } = fields(block)
    const { type: kind, definition } = fields(tool)
    if (type !== 'tool_addition') return []
    return [(kind === 'tool_definition' ? definition : tool) ?? null]
  })
}

const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])
const fields = (value: Json | undefined): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
