import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { OutriggerError } from '../../core/errors.js'
import { sha256 } from '../sha256.js'
import { refusal } from './refusal.js'

/** The credentials that a request bears: what stands in `x-api-key`, and what stands in `authorization` as a bearer. */
export function credentialsIn({ authorization, 'x-api-key': key }: IncomingHttpHeaders): readonly string[] {
  if (authorization === undefined) return key === undefined ? none : [String(key)]
  const bearer = authorization.replace(/^Bearer /i, '')
  return key === undefined ? [bearer] : [bearer, String(key)]
}

const none: readonly string[] = Object.freeze([])

/** The refusal of a request that does not prove who sends it. */
export function unauthorised(obstacle: string): OutriggerError {
  return refusal(401, obstacle)
}

/** A token that nobody can guess. */
export function randomToken(): string {
  return `outrigger-${randomBytes(24).toString('base64url')}`
}

// Another for every process: nobody can aim at the digest of a token.
const salt = randomBytes(32).toString('base64')

/** What a token is found and compared by: how long that takes says nothing of the token, nor of its length. */
export function tokenDigest(token: string): string {
  return sha256(salt + token)
}

/** Compares two secrets in constant time, whatever their lengths. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(tokenDigest(a)), Buffer.from(tokenDigest(b)))
}

/** @throws TypeError when it is no token that a header can carry; it is not shown */
export function checkToken(what: string, token: unknown): void {
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new TypeError(`${what} must be a string of visible ASCII characters without spaces; leave it out for a random one`)
}
