import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { OutriggerError } from '../../core/errors.js'
import { errorReply } from '../reply.js'
import { type FullAddress, inUrl } from './address.js'
import { holdBack } from './expect.js'
import { HostNames } from './hosts.js'
import type { Limits } from './limits.js'
import { endMalformed, type Latest, rawAnswer } from './malformed.js'
import { refusal } from './refusal.js'
import { formFlaw } from './request-form.js'

/** A port that is open. */
export interface Port {
  readonly baseURL: string
  /** Lets it keep the process alive no longer. */
  unref(): void
  /** Stops listening and ends every connection. */
  close(): Promise<void>
}

/**
 * Opens a port whose limits hold before anything is asked of a request: form, `Host`, sizes, times. `HEAD /` is answered here; `serve` gets
 * the rest. Rejects with what `listen` of the port fails with.
 */
export async function openPort(address: FullAddress, limits: Limits, serve: RequestListener): Promise<Port> {
  const server = createServer(settingsOf(limits))
  server.maxHeadersCount = 0
  server.maxConnections = Math.max(64, 2 * limits.maxOpenRequests)
  // The listener stays: an error of the server later on must not end the process.
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(address.port, address.host, resolve))
  const { port } = server.address() as AddressInfo
  new Doorman(new HostNames(address, port), limits.maxHeaderBytes, serve).watch(server)
  return {
    baseURL: `http://${inUrl(address.host)}:${port}`,
    unref: () => void server.unref(),
    close: () => closed(server),
  }
}

function settingsOf({ maxHeaderBytes, headersTimeoutMs, requestTimeoutMs, keepAliveMs }: Limits) {
  return {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    // How exact the two times are.
    connectionsCheckingInterval: Math.min(5_000, Math.max(10, Math.floor(headersTimeoutMs / 4))),
    insecureHTTPParser: false,
    // Checked here, and refused in the shape of the API.
    requireHostHeader: false,
  }
}

function closed(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** Stands at one port: what is no request is told so, and ends. */
class Doorman {
  readonly #hosts: HostNames
  readonly #maxHeaderBytes: number
  readonly #serve: RequestListener
  readonly #latest = new WeakMap<Duplex, Latest>()
  readonly #ended = new WeakSet<Duplex>()

  constructor(hosts: HostNames, maxHeaderBytes: number, serve: RequestListener) {
    this.#hosts = hosts
    this.#maxHeaderBytes = maxHeaderBytes
    this.#serve = serve
  }

  watch(server: Server): void {
    server.on('request', (request, response) => this.#take(request, response))
    server.on('checkContinue', (request, response) => this.#asked(request, response))
    server.on('checkExpectation', (_, response) => unexpected(response))
    server.on('connect', (_, socket) => end(socket, refusal(405, 'this port is no proxy')))
    server.on('clientError', (error, socket) => this.#malformed(error, socket))
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    this.#note(request, response)
    const flaw = formFlaw(request, this.#hosts, this.#maxHeaderBytes)
    if (flaw) refuse(response, flaw)
    else if (request.method === 'HEAD' && request.url === '/') response.writeHead(200).end()
    else this.#serve(request, response)
  }

  #asked(request: IncomingMessage, response: ServerResponse): void {
    holdBack(response)
    this.#take(request, response)
  }

  #note(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const latest = this.#latest.get(socket) ?? { request, response, open: 0 }
    latest.request = request
    latest.response = response
    latest.open++
    this.#latest.set(socket, latest)
    response.once('close', () => void latest.open--)
  }

  /** The parser says so for every chunk that comes after. */
  #malformed(error: Error, socket: Duplex): void {
    if (this.#ended.has(socket)) return
    this.#ended.add(socket)
    endMalformed(error, socket, this.#latest.get(socket))
  }
}

function end(socket: Duplex, error: OutriggerError): void {
  socket.on('error', () => socket.destroy()).end(rawAnswer(error), () => socket.destroy())
}

function unexpected(response: ServerResponse): void {
  holdBack(response)
  refuse(response, refusal(417, 'of Expect, only 100-continue is understood'))
}

function refuse(response: ServerResponse, error: OutriggerError): void {
  const { status, headers, body } = errorReply(error)
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body as string) }).end(body as string)
}
