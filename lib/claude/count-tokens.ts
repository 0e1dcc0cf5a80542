import type { ActionContext } from '../core/context.js'
import { UpstreamError } from '../core/errors.js'
import type { Json, ModelAction } from '../core/types.js'
import { bodyText } from './body-text.js'
import { classify } from './failure.js'
import { parsed } from './read-answer.js'
import type { Seam } from './seam.js'
import type { WireRequest } from './wire.js'

/** The request fields that count_tokens takes (SDK 1.10.0, `MessageCountTokensParams` of both message APIs). */
const counted = [
  'messages',
  'model',
  'system',
  'tools',
  'tool_choice',
  'thinking',
  'cache_control',
  'context_management',
  'mcp_servers',
  'output_config',
  'output_format',
  'speed',
]

/** Asks `count_tokens` for the action's request, until it has one answer for however many callers. The request is not charged. */
export function counter(seam: Seam, request: WireRequest, ctx: ActionContext): () => Promise<number> {
  let asked: Promise<number> | undefined
  return () => {
    asked ??= ask(seam, request, ctx).catch((error: unknown) => {
      // Another attempt may ask again.
      asked = undefined
      throw error
    })
    return asked
  }
}

async function ask(seam: Seam, request: WireRequest, ctx: ActionContext): Promise<number> {
  const abort = new AbortController()
  const forget = ctx.scope.onAbort(() => abort.abort())
  try {
    const { request: body } = ctx.action as ModelAction
    const headers = { ...request.headers, ...(await seam.origin.credentials()) }
    const url = new URL(request.url)
    url.pathname += '/count_tokens'
    const reply = await seam.upstream({ method: 'POST', url: url.href, headers, body: JSON.stringify(pick(body)) }, abort.signal)
    return readCount(reply.status, await bodyText(reply.body, seam.maxMessageBytes))
  } finally {
    forget()
  }
}

function pick(body: { readonly [key: string]: Json }): { readonly [key: string]: Json } {
  return Object.fromEntries(counted.filter(key => body[key] !== undefined).map(key => [key, body[key]!]))
}

function readCount(status: number, body: string): number {
  const { type, retryable } = classify({ status, body })
  const tokens = status === 200 ? (parsed(body) as { readonly input_tokens?: unknown } | null | undefined)?.input_tokens : undefined
  if (!Number.isSafeInteger(tokens) || (tokens as number) < 0)
    throw new UpstreamError(`count_tokens answered ${status} without a count`, { status, type, retryable, billed: 'no' })
  return tokens as number
}
