import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { refusal } from './refusal.js'

/**
 * Reads a body as text. One that is too long is not kept; node reads on until it has come or its time is over, so that the client gets its
 * answer. @throws OutriggerError 413, or 400 when it is no UTF-8 or breaks off
 */
export function readBody(request: IncomingMessage, limit: number): Promise<string> {
  if (Number(request.headers['content-length']) > limit) return Promise.reject(tooLarge(limit))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= limit) return void chunks.push(chunk)
      chunks.length = 0
      reject(tooLarge(limit))
    })
    request.once('end', () => {
      try {
        resolve(textOf(chunks))
      } catch (error) {
        reject(error)
      }
    })
    request.once('close', () => {
      // Every request closes: an error for nobody would cost more than the reading.
      if (!request.readableEnded) reject(refusal(400, 'the request broke off'))
    })
  })
}

function textOf(chunks: readonly Buffer[]): string {
  const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  // Replacing what is wrong would send another text than came.
  if (!isUtf8(whole)) throw refusal(400, 'the request body is not UTF-8')
  return whole.toString('utf8')
}

const tooLarge = (limit: number) => refusal(413, `the request body is longer than ${limit} bytes; raise maxBodyBytes`)
