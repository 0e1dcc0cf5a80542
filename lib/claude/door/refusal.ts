import { OutriggerError } from '../../core/errors.js'

// Anthropic's own type where the API has one for the status.
const typeOf: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  408: 'timeout_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
}

/** What a port refuses by itself, before any chain: a status of the 4xx, and words without anything of the request's content. */
export function refusal(status: number, message: string): OutriggerError {
  return new OutriggerError('ERR_CONFIG', message, { http: { status, type: typeOf[status] ?? 'invalid_request_error' } })
}

/** The headers of a request are longer than its port takes. */
export function headersTooLong(): OutriggerError {
  return refusal(431, 'the headers of the request are too long; raise maxHeaderBytes')
}
