import type { ActionContext } from '../core/context.js'
import { UnboundedRequestError, UpstreamError } from '../core/errors.js'
import type { ModelAction } from '../core/types.js'
import { bodyText } from './body-text.js'
import { classify } from './failure.js'
import { parsed } from './parse-json.js'
import { weightlessFields } from './request-features.js'
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

/** Fields that a count can leave out: they add no input. Any other field may bring tokens that count_tokens is not shown. */
const leftOut = new Set([...weightlessFields, 'max_tokens', 'inference_geo'])

type Body = ModelAction['request']

/**
 * Asks `count_tokens` for the action's request, as it is then, until it has one answer for however many callers. The request is not charged.
 * Rejects with an UnboundedRequestError where the request has more input than count_tokens is shown.
 */
export function counter(seam: Seam, request: WireRequest, ctx: ActionContext): () => Promise<number> {
  let last: { readonly body: Body; readonly count: Promise<number> } | undefined
  return () => {
    const { request: body } = ctx.action as ModelAction
    if (last?.body === body) return last.count
    const asked = { body, count: ask(seam, request, ctx, body) }
    last = asked
    // Another attempt may ask again.
    asked.count.catch(() => {
      if (last === asked) last = undefined
    })
    return asked.count
  }
}

async function ask(seam: Seam, request: WireRequest, ctx: ActionContext, body: Body): Promise<number> {
  const hidden = Object.keys(body).find(key => body[key] != null && !counted.includes(key) && !leftOut.has(key))
  if (hidden !== undefined)
    throw new UnboundedRequestError({
      feature: `"${hidden}" beside a count`,
      fix: 'count_tokens is not shown it; take the bound of the request',
    })
  const abort = new AbortController()
  const forget = ctx.scope.onAbort(() => abort.abort())
  try {
    const headers = { ...request.headers, ...(await seam.origin.credentials()) }
    const url = new URL(request.url)
    url.pathname += '/count_tokens'
    const reply = await seam.upstream({ method: 'POST', url: url.href, headers, body: JSON.stringify(pick(body)) }, abort.signal)
    return readCount(reply.status, await bodyText(reply.body, seam.maxMessageBytes))
  } finally {
    forget()
  }
}

function pick(body: Body): Body {
  return Object.fromEntries(counted.filter(key => body[key] !== undefined).map(key => [key, body[key]!]))
}

function readCount(status: number, body: string): number {
  const { type, retryable } = classify({ status, body })
  const tokens = status === 200 ? (parsed(body) as { readonly input_tokens?: unknown } | null | undefined)?.input_tokens : undefined
  if (!Number.isSafeInteger(tokens) || (tokens as number) < 0)
    throw new UpstreamError(`count_tokens answered ${status} without a count`, { status, type, retryable, billed: 'no' })
  return tokens as number
}
