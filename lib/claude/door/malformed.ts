import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { OutriggerError } from '../../core/errors.js'
import { errorReply } from '../reply.js'
import { headersTooLong, refusal } from './refusal.js'

const refusals: Readonly<Record<string, readonly [status: number, why: string]>> = {
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the chunk extensions of the request are too long; leave them out'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come in time; send it faster, or raise headersTimeoutMs or requestTimeoutMs'],
}

/** The refusal of what the parser of `node:http` cannot read, or has waited for too long. */
export function malformed({ code = 'UNKNOWN' }: { readonly code?: string }): OutriggerError {
  if (code === 'HPE_HEADER_OVERFLOW') return headersTooLong()
  const [status, why] = refusals[code] ?? [400, `the request is not HTTP/1.1 that this port can read (${code})`]
  return refusal(status, why)
}

/** The refusal as bytes, for a connection that has no response to write to. It ends the connection. */
export function rawAnswer(error: OutriggerError): string {
  const { status, headers, body } = errorReply(error)
  const lines = Object.entries({ ...headers, connection: 'close', 'content-length': Buffer.byteLength(body as string) })
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}

/** The latest exchange of a connection, and how many of its answers are not out yet. */
export interface Latest {
  request: IncomingMessage
  response: ServerResponse
  open: number
}

// A client that is still sending reads its answer only if the connection does not break meanwhile.
const lingerMs = 500

/**
 * Ends a connection whose bytes are no request. It is told why, unless an answer is under way: bytes behind that one, or within it, would be
 * taken for a part of it.
 */
export function endMalformed(error: Error & { readonly code?: string }, socket: Duplex, latest: Latest | undefined): void {
  const body = latest !== undefined && !latest.request.complete
  const free = latest === undefined || latest.open === 0 ? !body : body && latest.open === 1 && !latest.response.headersSent
  if (!socket.writable || error.code === 'ECONNRESET' || !free) return void socket.destroy()
  // What is left of the body must not become a request after all.
  if (body) return void socket.end(rawAnswer(malformed(error)), () => socket.destroy())
  socket.end(rawAnswer(malformed(error)))
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref()
  socket.once('close', () => clearTimeout(timer))
}
