import type { CallerSignal } from '../core/caller-signal.js'
import { parseUrl } from '../core/parse-url.js'
import type { ActionContext } from '../core/context.js'
import { AgentReapedError, ConfigError, isOutriggerError, UpstreamError } from '../core/errors.js'
import { Scope } from '../core/scope.js'
import { redirected } from './answer-error.js'
import { type Route, routeOf } from './endpoints.js'
import { Exchange } from './exchange.js'
import { lost } from './http-upstream.js'
import { modelAction } from './model-action.js'
import { betasIn, forwarded } from './request-headers.js'
import { errorReply, type Reply, visible } from './reply.js'
import { bodyText } from './body-text.js'
import { counter } from './count-tokens.js'
import { countTokens, type Seam, upstreamKey } from './seam.js'
import type { WireRequest } from './wire.js'

/** How a request came in. */
export interface Incoming {
  /** The action that it belongs to. */
  readonly parent?: ActionContext | undefined
  /** The caller's own abort. */
  readonly signal?: CallerSignal | undefined
}

/**
 * The handler core behind every mount: one request in, one answer out, never a rejection. Requests of `POST /v1/messages` run the chain,
 * listed ones pass and are counted, the rest is refused. Only path and query of the URL count; credentials are the seam's.
 */
export async function handle(seam: Seam, request: WireRequest, incoming: Incoming = {}): Promise<Reply> {
  try {
    const route = routeOf(request.method, request.url, seam.origin.prefix)
    if (!route) return notFound(request)
    return await (route.treatment === 'chain' ? governed : passed)(seam, outgoing(seam, request, route), incoming)
  } catch (error) {
    return errorReply(error)
  }
}

async function governed(seam: Seam, request: WireRequest, incoming: Incoming): Promise<Reply> {
  if (typeof request.body !== 'string') throw new ConfigError('the body of a Messages API request must be a string')
  const action = modelAction(request.body, request.headers['anthropic-beta'], seam.threads)
  const { parent } = incoming
  const ctx = seam.runtime.context(action, parent ? { parent } : {})
  upstreamKey.set(ctx, seam.origin.key)
  countTokens.set(ctx, counter(seam, request, ctx))
  const followed = seam.follow?.(ctx)
  if (followed) await followed
  return new Exchange(ctx, seam, request).run(incoming.signal)
}

async function passed(seam: Seam, request: WireRequest, incoming: Incoming): Promise<Reply> {
  const { reaped, agent } = seam.runtime
  if (reaped !== undefined) throw new AgentReapedError({ agent: agent.name, reason: reaped })
  seam.counts.passed++
  const { signal } = incoming
  const scope = new Scope(enclosing(seam, incoming.parent))
  const stop = () => scope.abort(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted) stop()
  try {
    return await scope.race(exchanged(seam, request, scope))
  } catch (error) {
    const reply = errorReply(scope.aborted ? scope.reason : lost(error))
    return scope.aborted && !isOutriggerError(scope.reason) ? { ...reply, aborted: true } : reply
  } finally {
    signal?.removeEventListener('abort', stop)
    scope.end()
  }
}

/** What ends a request without a chain: the end of the send that makes it, else of the sidecar. */
function enclosing({ runtime }: Seam, parent: ActionContext | undefined): Scope {
  return parent && (!parent.ended || parent.actionScope.aborted) ? parent.scope : runtime.scope
}

async function exchanged(seam: Seam, request: WireRequest, scope: Scope): Promise<Reply> {
  const credentials = await seam.origin.credentials()
  scope.throwIfAborted()
  const abort = new AbortController()
  const forget = scope.onAbort(() => abort.abort())
  try {
    const reply = await seam.upstream({ ...request, headers: { ...request.headers, ...credentials } }, abort.signal)
    if (reply.status >= 300 && reply.status < 400) throw redirected(reply.status)
    const body = await bodyText(reply.body, seam.maxMessageBytes)
    const headers = { ...visible(reply.headers), ...(reply.status >= 400 ? { 'x-should-retry': 'false' } : {}) }
    return { status: reply.status, headers, body }
  } catch (error) {
    // What nobody reads would keep its connection.
    abort.abort()
    throw error
  } finally {
    forget()
  }
}

function outgoing({ origin }: Seam, request: WireRequest, route: Route): WireRequest {
  const headers = forwarded(request.headers, origin.forwards)
  if (request.body !== undefined) headers['content-type'] = 'application/json'
  // Here, not behind the chain: a beta may change what a request costs.
  if (origin.betas.length > 0) headers['anthropic-beta'] = [...new Set([...betasIn(headers['anthropic-beta']), ...origin.betas])].join(',')
  return { ...request, url: origin.origin + origin.prefix + route.target, headers }
}

function notFound(request: WireRequest): Reply {
  const path = parseUrl(request.url, 'http://localhost')?.pathname ?? '(not a URL)'
  return errorReply(
    new UpstreamError(`${request.method} ${path} is not let through by this sidecar; messages, count_tokens and models are`, {
      status: 404,
      type: 'not_found_error',
      code: 'NOT_LISTED',
    }),
  )
}
