import type { IncomingMessage, ServerResponse } from 'node:http'
import { systemClock } from '../../core/clock.js'
import { handle } from '../handler.js'
import { errorReply, type Reply } from '../reply.js'
import type { Seam } from '../seam.js'
import { ClientGone } from './client-gone.js'
import { invite } from './expect.js'
import { readBody } from './read-body.js'
import { type Patience, writeReply } from './write-reply.js'

/** How one request is let in. */
export interface Door {
  readonly maxBodyBytes: number
  /** Throws what refuses the request, before its body is read. */
  admit(request: IncomingMessage, response: ServerResponse): Seam
}

/** Answers one request of `node:http` by the handler: never rejects. A client that goes away ends its action. */
export async function serveRequest(door: Door, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new ClientGone(response)
  let patience = refused
  try {
    const seam = door.admit(request, response)
    patience = { clock: seam.runtime.clock, idleMs: seam.idleMs }
    await writeReply(response, await replyTo(seam, door, request, response, gone), patience)
  } catch (error) {
    await excuse(response, error, patience)
  }
}

const refused: Patience = { clock: systemClock, idleMs: 60_000 }

async function excuse(response: ServerResponse, error: unknown, patience: Patience): Promise<void> {
  if (response.headersSent) return void response.destroy()
  await writeReply(response, errorReply(error), patience).catch(() => response.destroy())
}

async function replyTo(seam: Seam, door: Door, request: IncomingMessage, response: ServerResponse, signal: ClientGone): Promise<Reply> {
  const { method = 'GET', url = '/' } = request
  // Every value is a text: of the headers of a request, node lists only set-cookie, which goes nowhere.
  const headers = request.headers as Readonly<Record<string, string>>
  if (method !== 'POST') return handle(seam, { method, url, headers }, { signal })
  if (Number(headers['content-length'] ?? 0) <= door.maxBodyBytes) invite(request, response)
  return handle(seam, { method, url, headers, body: await readBody(request, door.maxBodyBytes) }, { signal })
}
