import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'

/** What a server says once a whole request has come: bytes, or whatever it does with the socket. */
export type Said = string | Buffer | ((socket: Socket, request: string) => void)

export interface RawUpstream {
  readonly url: string
  /** The requests that came, head and body. */
  readonly requests: readonly string[]
  readonly openSockets: number
  close(): Promise<void>
}

/** A server that speaks no HTTP of its own: for answers that `node:http` would not write. Bytes are followed by the end of the connection. */
export async function rawUpstream(said: Said): Promise<RawUpstream> {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    let held = ''
    socket.on('data', data => {
      held += data
      if (!isWhole(held)) return
      requests.push(held)
      held = ''
      if (typeof said === 'function') said(socket, requests.at(-1)!)
      else socket.end(said)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get openSockets() {
      return sockets.size
    },
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n')
  const length = /content-length: (\d+)/i.exec(text)?.[1] ?? '0'
  return head >= 0 && Buffer.byteLength(text.slice(head + 4)) >= Number(length)
}
