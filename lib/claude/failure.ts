import { parsed } from './parse-json.js'

/** What is known about an exchange that failed. */
export interface FailureFacts {
  /** HTTP status, where an answer came. */
  readonly status?: number
  /** The body: parsed JSON, or its text. For a stream's `error` event, its data. */
  readonly body?: unknown
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
  /** The transport's code, like `ECONNRESET`, where no answer came. */
  readonly code?: string
  /** The system call that failed, like `connect`, where the transport says so. */
  readonly syscall?: string
  /** The error came as an event of a stream that had begun with status 200. */
  readonly sse?: boolean
}

/** What kind of failure it is. `malformed`: a success that is no message, like an HTML page. */
export type FailureClass =
  | 'rateLimit'
  | 'spendLimit'
  | 'overloaded'
  | 'server'
  | 'timeout'
  | 'conflict'
  | 'connection'
  | 'invalid'
  | 'auth'
  | 'permission'
  | 'billing'
  | 'notFound'
  | 'tooLarge'
  | 'malformed'

/** A failure, judged by Anthropic's error type and error code. */
export interface Failure {
  readonly class: FailureClass
  /** May the same request succeed when it is sent again? */
  readonly retryable: boolean
  /** `no`: nothing was generated. `maybe`: the answer, or the end of it, is lost. `yes`: part of the answer had come. */
  readonly billed: 'no' | 'maybe' | 'yes'
  /** What the server asks to wait, in milliseconds. */
  readonly retryAfterMs?: number
  /** Anthropic's `error.type`. */
  readonly type?: string
  /** Anthropic's `error.details.error_code`. */
  readonly errorCode?: string
}

const retryableClasses: ReadonlySet<FailureClass> = new Set(['rateLimit', 'overloaded', 'server', 'timeout', 'conflict', 'connection'])

const classByType: Readonly<Record<string, FailureClass>> = {
  invalid_request_error: 'invalid',
  authentication_error: 'auth',
  billing_error: 'billing',
  permission_error: 'permission',
  not_found_error: 'notFound',
  request_too_large: 'tooLarge',
  rate_limit_error: 'rateLimit',
  api_error: 'server',
  overloaded_error: 'overloaded',
  timeout_error: 'timeout',
}

const classByStatus: Readonly<Record<number, FailureClass>> = {
  400: 'invalid',
  401: 'auth',
  402: 'billing',
  403: 'permission',
  404: 'notFound',
  408: 'timeout',
  409: 'conflict',
  413: 'tooLarge',
  422: 'invalid',
  429: 'rateLimit',
  504: 'timeout',
  529: 'overloaded',
}

/** Error types that the API gives before it has generated anything. */
export const unbilledTypes: ReadonlySet<string> = new Set(['overloaded_error', 'rate_limit_error'])

/** The status that the API answers an error type with. */
export const statusOfType: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  timeout_error: 504,
  overloaded_error: 529,
}

// A limit that only a person or the next month lifts.
const spendLimitCodes = new Set(['enforced_spend_limit_reached', 'contract_spend_limit_reached', 'linked_organization_spend_limit_reached'])

// Before any byte of the request can have left: no address, nobody listening, no TLS session. Codes that a living connection can fail with as
// well (ECONNRESET, EHOSTUNREACH, ETIMEDOUT, EPROTO) prove it only together with the system call `connect`.
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'EMFILE',
  'UND_ERR_CONNECT_TIMEOUT',
  // A header that cannot be sent, such as a key with a line break.
  'UND_ERR_INVALID_ARG',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
])

const timeoutCodes = new Set([
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
])

/**
 * What a failed exchange means: may it be sent again, was it billed, how long does the server ask to wait. Never throws. The error type in the
 * body goes before the status, except that a spend limit is never worth a retry; the upstream's `x-should-retry` does not decide.
 * Sources: docs.anthropic.com/en/api/errors, and the error codes that the SDK lists.
 */
export function classify(facts: FailureFacts): Failure {
  const { type, errorCode } = errorOf(facts.body)
  const kind = classOf(facts, type, errorCode)
  const retryAfterMs = retryAfter(facts.headers)
  return {
    class: kind,
    retryable: retryableClasses.has(kind),
    billed: billedOf(facts),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(type === undefined ? {} : { type }),
    ...(errorCode === undefined ? {} : { errorCode }),
  }
}

function classOf(facts: FailureFacts, type: string | undefined, errorCode: string | undefined): FailureClass {
  if (errorCode !== undefined && spendLimitCodes.has(errorCode)) return 'spendLimit'
  if (facts.status === undefined && type === undefined) return timeoutCodes.has(facts.code ?? '') ? 'timeout' : 'connection'
  const inStream = facts.sse === true || facts.status === undefined || facts.status < 400
  const byType = type === undefined ? undefined : classByType[type]
  if (inStream) return byType ?? (type === undefined ? 'malformed' : 'server')
  return byStatus(facts.status!, byType)
}

// A status that the type contradicts is believed, but for the three that say which of the retryable kinds it is.
function byStatus(status: number, byType: FailureClass | undefined): FailureClass {
  const known = classByStatus[status] ?? (status >= 500 ? 'server' : 'invalid')
  const refines = byType !== undefined && retryableClasses.has(byType) === retryableClasses.has(known)
  return refines && status !== 409 ? byType : known
}

// The server, or a proxy before it, gave up waiting while the model may have been at work already.
const gaveUp = new Set([408, 499])

// An answer with an error status had no tokens; a stream that had begun had its input at least.
function billedOf({ status, code, syscall, sse }: FailureFacts): Failure['billed'] {
  if (sse) return 'yes'
  if (status === undefined) return syscall === 'connect' || (code !== undefined && neverSent.has(code)) ? 'no' : 'maybe'
  return (status >= 400 && status < 500 && !gaveUp.has(status)) || status === 529 ? 'no' : 'maybe'
}

function errorOf(body: unknown): { type?: string; errorCode?: string } {
  const error = fieldsOf(fieldsOf(asFields(body))?.error)
  const details = fieldsOf(error?.details)
  return {
    ...(typeof error?.type === 'string' ? { type: error.type } : {}),
    ...(typeof details?.error_code === 'string' ? { errorCode: details.error_code } : {}),
  }
}

function asFields(body: unknown): unknown {
  return typeof body === 'string' && body.trimStart().startsWith('{') ? parsed(body) : body
}

const fieldsOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined

function retryAfter(headers: FailureFacts['headers']): number | undefined {
  const ms = waitOf(headers?.['retry-after-ms'], 1)
  if (ms !== undefined) return ms
  const value = headers?.['retry-after']
  return waitOf(value, 1000) ?? untilDate(value, headers?.date)
}

function waitOf(value: string | undefined, unit: number): number | undefined {
  const wait = value === undefined || !/^\s*\d+(\.\d+)?\s*$/.test(value) ? Number.NaN : Number(value) * unit
  return Number.isFinite(wait) ? Math.ceil(wait) : undefined
}

// Measured against the server's own clock where it tells it: ours may differ.
function untilDate(value: string | undefined, now: string | undefined): number | undefined {
  const until = value === undefined || !/[a-z]/i.test(value) ? Number.NaN : Date.parse(value)
  const from = now === undefined ? Number.NaN : Date.parse(now)
  return Number.isNaN(until) ? undefined : Math.max(0, until - (Number.isNaN(from) ? Date.now() : from))
}
