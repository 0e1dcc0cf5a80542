import type { IncomingMessage } from 'node:http'
import { OutriggerError } from '../../core/errors.js'

/** Reads a body as text. Reads on past the limit without keeping anything, so that the client gets its answer. @throws OutriggerError 413 */
export async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= limit) chunks.push(chunk)
    else chunks.length = 0
  }
  if (length > limit) throw tooLarge(limit)
  return Buffer.concat(chunks).toString('utf8')
}

function tooLarge(limit: number): OutriggerError {
  return new OutriggerError('ERR_CONFIG', `the request body is longer than ${limit} bytes; raise maxBodyBytes`, {
    http: { status: 413, type: 'request_too_large' },
  })
}
