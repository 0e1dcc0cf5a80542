import type Anthropic from '@anthropic-ai/sdk'
import { findOutriggerError } from '../core/errors.js'
import type { ClaudeCall, Tool } from './handles.js'

/**
 * A tool that `claudeAgent` offers to the model: all of its fields, such as `strict`, but those that run it. The SDK's `betaTool` and
 * `betaZodTool` make such tools.
 */
export interface ClaudeTool extends Tool {
  /** What the model is told that the tool does. */
  readonly description?: string | undefined
  /** JSON schema of the input, as the Messages API takes it. A tool that Anthropic defines has a `type` instead. */
  readonly input_schema?: { readonly type: 'object'; readonly [key: string]: unknown }
  /** Which tool that Anthropic defines; `custom` or nothing for one of your own. */
  readonly type?: string | null
  /** Checks and converts the model's input before `run`. */
  parse?(input: unknown): unknown
}

/** Options of {@link claudeAgent}. */
export interface ClaudeAgentOptions {
  /** Model id, as the Messages API names it. */
  readonly model: string
  /** System prompt. */
  readonly system?: string
  /** What the model may call. Each runs behind the chain. */
  readonly tools?: readonly ClaudeTool[]
  /** `max_tokens` of each request. Default 4,096. */
  readonly maxTokens?: number
  /** The most requests that one send may make. Default 50. */
  readonly maxTurns?: number
  /** Default `claude`. */
  readonly name?: string
  /** A word for the kind of agent, for your own use. */
  readonly type?: string
}

type Message = Anthropic.MessageParam
type ToolUse = Anthropic.ToolUseBlock
type ToolContent = NonNullable<Anthropic.ToolResultBlockParam['content']>

const known = new Set(['model', 'system', 'tools', 'maxTokens', 'maxTurns', 'name', 'type'])

/** An agent that {@link claudeAgent} makes. */
export interface ClaudeAgent {
  readonly name: string
  readonly type?: string
  /** Resolves to the text of Claude's last message. */
  send(message: string, call: ClaudeCall): Promise<string>
}

/**
 * A ready agent: keeps the conversation, calls Claude, runs the tools it asks for behind the chain, and replies with the text of the last
 * message. Sends are taken one after the other, so a tool must not wait for a send to its own agent; one that fails or is refused by the
 * model leaves the conversation as it was.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function claudeAgent(options: ClaudeAgentOptions): ClaudeAgent {
  check(options)
  const conversation = new Conversation(options)
  return {
    name: options.name ?? 'claude',
    ...(options.type === undefined ? {} : { type: options.type }),
    async send(message, call) {
      if (typeof message !== 'string' || message === '') throw new TypeError('claudeAgent: a message must be a non-empty string')
      return conversation.send(message, call)
    },
  }
}

class Conversation {
  readonly #options: ClaudeAgentOptions
  #messages: readonly Message[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ClaudeAgentOptions) {
    this.#options = options
  }

  send(message: string, call: ClaudeCall): Promise<string> {
    const reply = this.#last.then(() => this.#turns(message, call))
    this.#last = reply.catch(() => {})
    return reply
  }

  async #turns(message: string, call: ClaudeCall): Promise<string> {
    const { maxTurns = 50 } = this.#options
    const tools = (this.#options.tools ?? []).map(tool => call.tool(tool))
    const messages: Message[] = [...this.#messages, { role: 'user', content: message }]
    for (let turn = 0; turn < maxTurns; turn++) {
      const answer = await this.#ask(messages, call)
      const reason = answer.stop_reason
      const goesOn = reason === 'tool_use' || reason === 'pause_turn'
      const uses = goesOn ? answer.content.filter((block): block is ToolUse => block.type === 'tool_use') : []
      if (uses.length === 0 && reason !== 'pause_turn') {
        if (reason !== 'refusal') this.#messages = [...messages, ...lastWord(answer)]
        return textOf(answer)
      }
      messages.push({ role: 'assistant', content: answer.content })
      if (uses.length > 0) messages.push({ role: 'user', content: await results(uses, tools, call) })
    }
    throw new RangeError(`the agent made ${maxTurns} requests without an answer; raise maxTurns or narrow the task`)
  }

  #ask(messages: readonly Message[], call: ClaudeCall): Promise<Anthropic.Message> {
    const { model, system, maxTokens = 4096, tools = [] } = this.#options
    const offered = tools.map(definitionOf)
    const request = {
      model,
      max_tokens: maxTokens,
      ...(system === undefined ? {} : { system }),
      messages: [...messages],
      ...(offered.length > 0 ? { tools: offered as Anthropic.Tool[] } : {}),
    }
    // The SDK's stream wraps what it is given: whoever sends gets our error itself.
    return call.claude.messages
      .stream(request, { signal: call.signal })
      .finalMessage()
      .catch(error => Promise.reject(findOutriggerError(error) ?? error))
  }
}

// The fields of a tool of one's own (SDK 1.10.0, `BetaTool`).
const ownFields = [
  'type',
  'name',
  'description',
  'input_schema',
  'strict',
  'cache_control',
  'defer_loading',
  'allowed_callers',
  'input_examples',
  'eager_input_streaming',
]

/** What the model is told of a tool. Only of one that Anthropic defines are the fields not known here. */
function definitionOf(tool: ClaudeTool): object {
  if (isDefined(tool)) {
    const { run, parse, idempotent, close, ...definition } = tool as ClaudeTool & { readonly close?: unknown }
    return definition
  }
  const fields = tool as unknown as Readonly<Record<string, unknown>>
  return Object.fromEntries(ownFields.filter(name => fields[name] !== undefined).map(name => [name, fields[name]]))
}

/** Does Anthropic define what the tool does? */
function isDefined({ type }: ClaudeTool): boolean {
  return typeof type === 'string' && type !== 'custom'
}

/** Runs the tools that a message asks for, side by side. What fails is a result that the model can read. */
function results(uses: readonly ToolUse[], tools: readonly ClaudeTool[], call: ClaudeCall): Promise<Anthropic.ToolResultBlockParam[]> {
  return Promise.all(
    uses.map(use =>
      result(
        use,
        tools.find(tool => tool.name === use.name),
        call,
      ),
    ),
  )
}

async function result(use: ToolUse, tool: ClaudeTool | undefined, call: ClaudeCall): Promise<Anthropic.ToolResultBlockParam> {
  const answer = { type: 'tool_result' as const, tool_use_id: use.id }
  if (!tool) return { ...answer, content: `there is no tool "${use.name}"`, is_error: true }
  try {
    const input = tool.parse ? tool.parse(use.input) : use.input
    const content = await tool.run(input, { toolUse: use, toolUseBlock: use, toolUseId: use.id, signal: call.signal })
    return { ...answer, content: isContent(content) ? content : JSON.stringify(content ?? null) }
  } catch (error) {
    if (call.signal.aborted) throw call.signal.reason
    return { ...answer, content: failureOf(error), is_error: true }
  }
}

/** The SDK's `ToolError` brings content of its own. */
function failureOf(error: unknown): ToolContent {
  const { content } = (error ?? {}) as { readonly content?: unknown }
  if (isContent(content)) return content
  return error instanceof Error ? error.message : String(error)
}

/** Text, or content blocks such as images: what the API takes as a result. */
function isContent(value: unknown): value is ToolContent {
  if (!Array.isArray(value)) return typeof value === 'string'
  return value.length > 0 && value.every(block => resultBlocks.has((block as { type?: unknown } | null)?.type))
}

const resultBlocks: ReadonlySet<unknown> = new Set(['text', 'image', 'document', 'search_result', 'tool_reference', 'browser_state'])

/** What the API takes back of an answer that ends a turn: no call without a result, no text without a character, no message of thoughts alone. */
function lastWord({ content }: Anthropic.Message): Message[] {
  const kept = content.filter(block => block.type !== 'tool_use' && !(block.type === 'text' && block.text === ''))
  return kept.some(({ type }) => !type.endsWith('thinking')) ? [{ role: 'assistant', content: kept }] : []
}

function textOf(message: Anthropic.Message): string {
  return message.content.map(block => (block.type === 'text' ? block.text : '')).join('')
}

function check(options: ClaudeAgentOptions): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('claudeAgent needs an object: claudeAgent({ model })')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`claudeAgent: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { model, tools = [], maxTokens = 1, maxTurns = 1 } = options
  if (typeof model !== 'string' || model === '') throw new TypeError(`claudeAgent: model must be a model id, got ${JSON.stringify(model)}`)
  for (const [name, value] of Object.entries({ maxTokens, maxTurns })) {
    if (!(Number.isInteger(value) && value > 0)) throw new RangeError(`claudeAgent: ${name} must be a whole number above 0, got ${value}`)
  }
  for (const name of ['system', 'name', 'type'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'string') throw new TypeError(`claudeAgent: ${name} must be a string`)
  if (!Array.isArray(tools)) throw new TypeError('claudeAgent: tools must be a list')
  const names = tools.map(tool => tool?.name)
  for (const [at, tool] of tools.entries()) {
    if (typeof tool?.run !== 'function' || !(typeof tool.input_schema === 'object' || isDefined(tool)))
      throw new TypeError(`claudeAgent: tool ${at + 1} needs name, input_schema and run(input)`)
    if (names.indexOf(tool.name) !== at) throw new TypeError(`claudeAgent: two tools are named "${tool.name}"`)
  }
}
