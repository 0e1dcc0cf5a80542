import { OutriggerError, UpstreamError } from '../core/errors.js'

/** An answer on its way to the client. A streamed body is pulled event by event; it rejects with an error of ours or the caller's abort. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | ReplyStream
  /** Why the answer is an error, where it is: in-process clients throw this very object. */
  readonly error?: unknown
  /** The action was ended by its caller, or the caller's caller. */
  readonly aborted?: boolean
}

/** The raw text of the events, one pull each. */
export interface ReplyStream {
  next(): Promise<IteratorResult<string, undefined>>
  /** The client has stopped reading. */
  cancel(): void
}

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'content-encoding',
  'te',
  'trailer',
  'upgrade',
  'proxy-authenticate',
  'x-should-retry',
])

/** The headers of an upstream answer that a client may see. */
export function visible(headers: Readonly<Record<string, string>>): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const name of Object.keys(headers)) if (!hopByHop.has(name)) shown[name] = headers[name]!
  return shown
}

/** An upstream's own error: the answer, or the event that ended a stream with what it is as an answer. */
export interface UpstreamAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The exact text of the `error` event, where it came in a stream. */
  readonly event?: string
}

const answers = new WeakMap<UpstreamError, UpstreamAnswer>()

/** Keeps an upstream's own error answer with the error that stands for it, so that the client gets it untouched. */
export function withAnswer(error: UpstreamError, answer: UpstreamAnswer): UpstreamError {
  answers.set(error, { ...answer, headers: visible(answer.headers) })
  return error
}

/** The answer that tells a client of an error: upstream's own where it gave one, else Anthropic's shape with our code. Never to be retried. */
export function errorReply(error: unknown): Reply {
  const answer = error instanceof UpstreamError ? answers.get(error) : undefined
  if (answer) return { status: answer.status, headers: { ...answer.headers, 'x-should-retry': 'false' }, body: answer.body, error }
  const { status, body } = errorBody(error)
  return { status, headers: { 'content-type': 'application/json', 'x-should-retry': 'false' }, body: JSON.stringify(body), error }
}

/** Does the reply carry an upstream's own error answer? */
export function isUpstreamAnswer(error: unknown): boolean {
  return error instanceof UpstreamError && answers.has(error)
}

/** The text of the upstream's own `error` event, where the error came as one. */
export function errorEventOf(error: unknown): string | undefined {
  return error instanceof UpstreamError ? answers.get(error)?.event : undefined
}

/** The body of an error event or answer. Foreign errors show no text: it could hold anything. */
export function errorBody(error: unknown): { status: number; body: { type: 'error'; error: Record<string, unknown> } } {
  if (!(error instanceof OutriggerError)) {
    const aborted = (error as { name?: unknown } | null)?.name === 'AbortError'
    return {
      status: aborted ? 499 : 500,
      body: { type: 'error', error: { type: 'api_error', message: aborted ? 'the request was aborted' : 'the sidecar failed' } },
    }
  }
  const details = { ...error.facts, error_code: error.code }
  return { status: error.http.status, body: { type: 'error', error: { type: error.http.type, message: error.message, details } } }
}
