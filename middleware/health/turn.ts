import type { Context, Json, ModelAction } from 'outrigger'
import { type MessageBlock, modelMessage } from 'outrigger/claude'
import { canonicalArguments, canonicalResult, digest } from './canonical.js'

/** A tool call that only the conversation shows: its tool is not guarded, or runs at the server. */
export interface SeenCall {
  /** Of the call, unique: a conversation that forks shows it again. */
  readonly id: string
  readonly name: string
  readonly key: string
}

/** What one request and its answer came to, as digests. */
export interface Turn {
  /** The question and its answer. Equal for turns that say the same. */
  readonly key: string
  /** The client's tools that the answer calls. */
  readonly calls: readonly string[]
  /** Calls whose results the request brings, and those that the server has run. */
  readonly seen: readonly SeenCall[]
}

type Fields = { readonly [key: string]: Json | undefined }

/** Reads a turn. `undefined` where there is no answer. @throws Opaque for content that has no text */
export function turnOf(ctx: Context, now: number): Turn | undefined {
  const answer = modelMessage.peek(ctx)?.content
  if (!answer) return undefined
  const { request } = ctx.action as ModelAction
  const messages = listOf(request.messages)
  const question = [request.system ?? null, messages[0] ?? null, messages.at(-1) ?? null]
  return {
    key: digest(canonicalResult(question), ...answer.map(block => said(block, now))),
    calls: answer.flatMap(({ type, name }) => (type === 'tool_use' && name !== undefined ? [name] : [])),
    seen: [...answered(messages, now), ...servedIn(answer, now)],
  }
}

/** Thoughts are signed anew each time, and are not said. */
function said(block: MessageBlock, now: number): string {
  if (block.type.endsWith('thinking')) return ''
  if (block.type === 'text') return `text ${canonicalArguments(block.text ?? '', now)}`
  if (block.type.endsWith('tool_use')) return `${block.type} ${block.name} ${canonicalArguments(block.input, now)}`
  return `${block.type} ${canonicalResult(block)}`
}

/** The calls whose results stand in the last message, with the inputs that the message before it asked for. */
function answered(messages: readonly Fields[], now: number): readonly SeenCall[] {
  const uses = new Map(listOf(messages.at(-2)?.content).map(block => [block.id, block]))
  return listOf(messages.at(-1)?.content).flatMap(({ type, tool_use_id, content, is_error }) => {
    const use = type === 'tool_result' ? uses.get(tool_use_id) : undefined
    return use ? [seenCall(use, [content ?? null, is_error ?? false], now)] : []
  })
}

/** Calls that the server has run within the answer. */
function servedIn(answer: readonly MessageBlock[], now: number): readonly SeenCall[] {
  const blocks = answer as unknown as readonly Fields[]
  const results = new Map(blocks.map(block => [block.tool_use_id, block]))
  return blocks.flatMap(block => {
    const result = block.type === 'server_tool_use' || block.type === 'mcp_tool_use' ? results.get(block.id) : undefined
    return result ? [seenCall(block, [result.content ?? null], now)] : []
  })
}

function seenCall({ id, name, input }: Fields, result: readonly Json[], now: number): SeenCall {
  return { id: String(id), name: String(name), key: digest('seen', String(name), canonicalArguments(input, now), canonicalResult(result)) }
}

function listOf(value: Json | undefined): readonly Fields[] {
  return Array.isArray(value) ? value.filter(item => typeof item === 'object' && item !== null) : []
}
