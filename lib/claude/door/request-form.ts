import type { IncomingMessage } from 'node:http'
import type { OutriggerError } from '../../core/errors.js'
import type { HostNames } from './hosts.js'
import { headersTooLong, refusal } from './refusal.js'

// Node keeps the first value of some and joins those of others: what is checked must be all that came.
const single: Readonly<Record<string, readonly [status: number, why: string]>> = {
  host: [400, 'two Host headers'],
  authorization: [401, 'two Authorization headers; send one credential, the token'],
  'x-api-key': [401, 'two X-Api-Key headers; send one credential, the token'],
  'content-type': [400, 'two Content-Type headers'],
  'transfer-encoding': [400, 'two Transfer-Encoding headers'],
  'content-encoding': [400, 'two Content-Encoding headers'],
  expect: [400, 'two Expect headers'],
}

const lengths: ReadonlySet<number> = new Set(Object.keys(single).map(name => name.length))

/**
 * What is wrong with the form of a request whose headers have come, before anybody asks who sent it. Two servers in a row must not read one
 * request in two ways, and this port is no proxy.
 */
export function formFlaw(request: IncomingMessage, hosts: HostNames, maxHeaderBytes: number): OutriggerError | undefined {
  return headersFlaw(request.rawHeaders, maxHeaderBytes) ?? hostFlaw(request, hosts) ?? targetFlaw(request) ?? bodyFlaw(request)
}

function hostFlaw(request: IncomingMessage, hosts: HostNames): OutriggerError | undefined {
  if (hosts.admits(request)) return undefined
  if (request.headers.host === undefined) return refusal(400, 'a request needs a Host header')
  return refusal(421, 'the Host of the request is not this port; call it by its base URL, or have the name added to `hosts`')
}

/** Node counts names and values alone: of many short headers, most bytes are what is between them. */
function headersFlaw(rawHeaders: readonly string[], maxBytes: number): OutriggerError | undefined {
  let seen: string[] | undefined
  let bytes = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at]!
    bytes += given.length + rawHeaders[at + 1]!.length + 4
    if (!lengths.has(given.length)) continue
    const name = given.toLowerCase()
    if (!Object.hasOwn(single, name)) continue
    if (seen?.includes(name)) return refusal(...single[name]!)
    seen ??= []
    seen.push(name)
  }
  return bytes > maxBytes ? headersTooLong() : undefined
}

function targetFlaw({ url = '', httpVersionMajor }: IncomingMessage): OutriggerError | undefined {
  if (httpVersionMajor !== 1) return refusal(400, 'this port speaks HTTP/1.1')
  if (!url.startsWith('/')) return refusal(400, 'the target of a request must be a path: this port is no proxy')
  return undefined
}

function bodyFlaw({ method, headers, httpVersionMinor }: IncomingMessage): OutriggerError | undefined {
  const { 'transfer-encoding': coding, 'content-length': length, 'content-encoding': packed = 'identity' } = headers
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersionMinor === 0))
    return refusal(400, 'Transfer-Encoding must be chunked, over HTTP/1.1')
  const hasBody = coding !== undefined || (length !== undefined && Number(length) > 0)
  if (hasBody && (method === 'GET' || method === 'HEAD')) return refusal(400, `a ${method} request has no body`)
  if (packed.toLowerCase() !== 'identity') return refusal(415, 'send the body as it is: this port does not take a Content-Encoding')
  return undefined
}
