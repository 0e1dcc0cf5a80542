import { parseUrl } from '../core/parse-url.js'
import { fetchFailed } from './fetch-failed.js'

/** One request of a guarded `fetch`. */
export interface Hop {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  /** `undefined` where there is none. */
  readonly body: HopBody | undefined
  /** `same-origin`: it may not leave the origin that it began at. */
  readonly mode: RequestMode | undefined
}

/** A body, and how to have it a second time; a stream can be read once. */
export interface HopBody {
  readonly again: (() => unknown) | undefined
}

/** As many as the Fetch standard allows. */
export const mostRedirects = 20

const statuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const ofBody = ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']
const ofOrigin = ['authorization', 'proxy-authorization', 'cookie', 'host']

/**
 * Where an answer sends the request that it answers, by the rules of the Fetch standard ("HTTP-redirect fetch"): a POST becomes a GET after
 * 301 and 302, anything but HEAD after 303; credentials do not leave their origin.
 * @returns `undefined` for an answer that is no redirect
 * @throws TypeError as `fetch` does, for a redirect that may not be followed
 */
export function redirect(from: Hop, answer: Response, count: number): Hop | undefined {
  const location = statuses.has(answer.status) ? answer.headers.get('location') : null
  if (location === null) return undefined
  const to = targetOf(location, from.url)
  if (count >= mostRedirects) throw fetchFailed('redirect count exceeded')
  if (to.username || to.password) throw fetchFailed('the URL that a redirect leads to cannot have credentials')
  if (answer.status !== 303 && from.body && !from.body.again) throw fetchFailed('the body is a stream, and cannot be sent a second time')
  const leaves = to.origin !== new URL(from.url).origin
  if (leaves && from.mode === 'same-origin') throw fetchFailed('request mode "same-origin" does not leave its origin')
  const headers = new Headers(from.headers)
  const bare = losesBody(answer.status, from.method)
  if (bare) for (const name of ofBody) headers.delete(name)
  if (leaves) for (const name of ofOrigin) headers.delete(name)
  return { ...from, url: to.href, method: bare ? 'GET' : from.method, headers, body: bare ? undefined : from.body }
}

function targetOf(location: string, base: string): URL {
  // Headers are read as Latin-1; servers write UTF-8.
  const text = Buffer.from(location, 'latin1').toString('utf8')
  const to = parseUrl(text, base)
  if (!to) throw fetchFailed('the URL that a redirect leads to is none')
  if (to.protocol !== 'http:' && to.protocol !== 'https:')
    throw fetchFailed('the URL that a redirect leads to must be one of HTTP or HTTPS')
  to.hash ||= new URL(base).hash
  return to
}

function losesBody(status: number, method: string): boolean {
  return status === 303 ? method !== 'GET' && method !== 'HEAD' : status <= 302 && method === 'POST'
}
