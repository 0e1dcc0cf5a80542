import { UpstreamError } from '../core/errors.js'
import type { MessagesStreamEvent } from './accumulate.js'
import { classify, statusOfType, unbilledTypes } from './failure.js'
import { withAnswer } from './reply.js'
import type { SseFrame } from './sse.js'
import type { WireReply } from './wire.js'

/** An answer with an error status. The client gets it untouched. */
export function errorAnswer({ status, headers }: WireReply, body: string): UpstreamError {
  const { type, errorCode, retryable, retryAfterMs, billed } = classify({ status, body, headers })
  const facts = { status, type, errorCode, retryable, retryAfterMs, billed, requestId: headers['request-id'] }
  const error = new UpstreamError(`the Messages API answered ${status}${type ? ` ${type}` : ''}`, facts)
  return withAnswer(error, { status, headers, body })
}

/**
 * The upstream's own error event: within a stream it goes on as it is, before its head it is an error answer. `begun`: the message had begun,
 * so that its input is billed.
 */
export function errorEvent(
  event: MessagesStreamEvent & { type: 'error' },
  frame: SseFrame,
  reply: WireReply,
  begun: boolean,
): UpstreamError {
  const { type, errorCode, retryable, retryAfterMs } = classify({ body: event, sse: true })
  const billed = begun || !unbilledTypes.has(type ?? '') ? 'maybe' : 'no'
  const error = new UpstreamError(`the Messages API ended the stream with ${type ?? 'an error'}`, {
    type,
    errorCode,
    retryable,
    retryAfterMs,
    billed,
  })
  const headers = { ...reply.headers, 'content-type': 'application/json' }
  return withAnswer(error, { status: statusOfType[type ?? ''] ?? 500, headers, body: frame.data, event: frame.raw })
}

/** A good status, and a body that is no message. */
export function noMessage({ status, headers }: WireReply, body: string): UpstreamError {
  const { type = 'api_error', errorCode, retryable, billed } = classify({ status, body, headers })
  const facts = { status: 502, type, errorCode, retryable, billed, code: 'NOT_A_MESSAGE' }
  return new UpstreamError('the Messages API answered with something that is not a message', facts)
}

/** A client that followed it would take its credential elsewhere. */
export function redirected(status: number): UpstreamError {
  return new UpstreamError(`the Messages API answered ${status}, and redirects are not followed; set the base URL to where it leads`, {
    status: 502,
    type: 'api_error',
    code: 'REDIRECTED',
    retryable: false,
    billed: 'maybe',
  })
}

/** The transport failed: whether the request may have been billed depends on where. `begun`: events had come. */
export function brokenOff(error: UpstreamError, begun: boolean): UpstreamError {
  const { upstream, message } = error
  if (begun) return upstream.code === 'ABORTED' ? error : new UpstreamError(message, { ...upstream, retryable: true, billed: 'maybe' })
  const { retryable, billed } = classify({ code: upstream.code, syscall: upstream.syscall })
  return new UpstreamError(message, { ...upstream, retryable, billed })
}
