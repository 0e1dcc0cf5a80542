import type { IncomingMessage, ServerResponse } from 'node:http'

/** Notes that a client waits to be asked for its body: until it is, its connection cannot be used for another request. */
export function holdBack(response: ServerResponse): void {
  response.setHeader('connection', 'close')
}

/** Asks a client for its body (100 Continue), where it waits for that. */
export function invite({ headers: { expect }, httpVersionMinor }: IncomingMessage, response: ServerResponse): void {
  if (expect === undefined || httpVersionMinor === 0) return
  response.removeHeader('connection')
  response.writeContinue()
}
