import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { OutriggerError } from '../../core/errors.js'

/** The credentials that a request bears: what stands in `x-api-key`, and what stands in `authorization` as a bearer. */
export function credentialsIn({ authorization, 'x-api-key': key }: IncomingHttpHeaders): readonly string[] {
  return [authorization?.replace(/^Bearer /i, ''), key].filter(value => value !== undefined).map(String)
}

/** The refusal of a request that does not prove who sends it. */
export function unauthorised(obstacle: string): OutriggerError {
  return new OutriggerError('ERR_CONFIG', obstacle, { http: { status: 401, type: 'authentication_error' } })
}

/** Compares two secrets in constant time. */
export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
