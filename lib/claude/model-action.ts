import { ConfigError } from '../core/errors.js'
import type { Json, ModelAction } from '../core/types.js'
import { betasIn } from './request-headers.js'
import { keepText } from './request-text.js'
import type { ThreadTools } from './thread-tools.js'

type Body = { readonly [key: string]: Json }

/**
 * Reads the body of a Messages API request into the action that the chain judges. What is sent is this object, serialised again: a body
 * with the same key twice cannot mean one thing here and another at the server.
 * @param threads - what earlier requests of this sidecar have told server threads
 * @throws ConfigError when the body is not a JSON object with a model, is nested deeper than 1,000, or has a number beyond what JSON carries
 */
export function modelAction(body: string, betaHeader: string | undefined, threads?: ThreadTools): ModelAction {
  const request = parse(body)
  if (typeof request.model !== 'string' || request.model === '')
    throw new ConfigError('the request body names no model; set "model" to a string')
  const maxTokens = typeof request.max_tokens === 'number' ? request.max_tokens : 0
  const thread = threads?.of(request)
  keepText(request)
  return Object.freeze({
    kind: 'model',
    model: request.model,
    maxTokens,
    minTokens: minTokens(request),
    stream: request.stream === true,
    request: sealed(request),
    betas: Object.freeze(betasIn(betaHeader)),
    ...(thread && { thread }),
  } satisfies ModelAction)
}

function parse(body: string): Body {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    throw new ConfigError('the request body is not JSON')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new ConfigError('the request body is not a JSON object')
  return parsed as Body
}

const mostNested = 1_000

/** Frozen, and such that it is the same when it is serialised again. */
function sealed<T extends Json>(value: T, depth = 0): T {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new ConfigError('a number in the request body is too large')
  if (typeof value !== 'object' || value === null) return value
  if (depth > mostNested) throw new ConfigError(`the request body is nested deeper than ${mostNested}`)
  for (const child of Object.values(value)) sealed(child, depth + 1)
  return Object.freeze(value)
}

/** A thinking budget must stay below `max_tokens` (Messages API, extended thinking). */
function minTokens(request: Body): number {
  const thinking = request.thinking as { readonly budget_tokens?: unknown } | null | undefined
  return typeof thinking?.budget_tokens === 'number' ? thinking.budget_tokens + 1 : 1
}
