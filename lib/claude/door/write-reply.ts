import type { ServerResponse } from 'node:http'
import type { Clock } from '../../core/clock.js'
import { errorBody, type Reply, type ReplyStream } from '../reply.js'

/** How patient a server is with a client that does not read. */
export interface Patience {
  readonly clock: Clock
  /** Milliseconds without reading after which the client is cut off: the rest of its answer would stay in memory. */
  readonly idleMs: number
}

/** Writes a reply out, a stream event by event as fast as the client reads. Resolves when the client's side has it, or is gone. */
export async function writeReply(response: ServerResponse, { status, headers, body }: Reply, patience: Patience): Promise<void> {
  if (typeof body === 'string') response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
  else await pour(body, response.writeHead(status, headers as Record<string, string>), patience)
  if (response.socket && response.socket.writableLength > 0) await until('finish', response, patience)
}

async function pour(stream: ReplyStream, response: ServerResponse, patience: Patience): Promise<void> {
  response.once('close', () => {
    if (!response.writableEnded) stream.cancel()
  })
  // Node would hold the first event back until all that has come with it has been through the chain.
  let isFirst = true
  try {
    for (;;) {
      const { done, value } = await stream.next()
      if (done) break
      const hasRoom = response.write(value)
      if (isFirst) response.socket?.uncork()
      isFirst = false
      if (!hasRoom) await until('drain', response, patience)
    }
  } catch (error) {
    response.write(`event: error\ndata: ${JSON.stringify(errorBody(error).body)}\n\n`)
  }
  response.end()
}

function until(event: 'drain' | 'finish', response: ServerResponse, { clock, idleMs }: Patience): Promise<void> {
  if (response.destroyed) return Promise.resolve()
  return new Promise(resolve => {
    const stop = clock.after(idleMs, () => response.destroy())
    const go = () => {
      stop()
      response.off(event, go).off('close', go)
      resolve()
    }
    response.on(event, go).on('close', go)
  })
}
