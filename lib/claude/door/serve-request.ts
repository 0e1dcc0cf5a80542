import type { IncomingMessage, ServerResponse } from 'node:http'
import { handle, type Incoming } from '../handler.js'
import { errorReply, type Reply } from '../reply.js'
import type { Seam } from '../seam.js'
import { readBody } from './read-body.js'
import { sized, writeReply } from './write-reply.js'

/** How one request is let in. */
export interface Door {
  readonly maxBodyBytes: number
  /** Throws what refuses the request, before its body is read. */
  admit(request: IncomingMessage): Seam
  /** What comes with the request besides its signal. */
  incoming?(request: IncomingMessage, seam: Seam): Omit<Incoming, 'signal'>
}

/** Answers one request of `node:http` by the handler: never rejects. A client that goes away ends its action. */
export async function serveRequest(door: Door, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableEnded) gone.abort()
  })
  let seam: Seam | undefined
  try {
    if (request.method === 'HEAD') return void response.writeHead(200).end()
    seam = door.admit(request)
    await writeReply(response, await replyTo(seam, door, request, gone.signal), patienceOf(seam))
  } catch (error) {
    if (response.headersSent) response.destroy()
    else send(response, errorReply(error))
  }
}

const patienceOf = ({ runtime, idleMs }: Seam) => ({ clock: runtime.clock, idleMs })

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  try {
    response.writeHead(status, sized(headers, body as string)).end(body as string)
  } catch {
    response.destroy()
  }
}

async function replyTo(seam: Seam, door: Door, request: IncomingMessage, signal: AbortSignal): Promise<Reply> {
  const body = request.method === 'GET' ? undefined : await readBody(request, door.maxBodyBytes)
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
  return handle(
    seam,
    { method: request.method ?? 'GET', url: request.url ?? '/', headers, ...(body === undefined ? {} : { body }) },
    { ...door.incoming?.(request, seam), signal },
  )
}
