import { getRequestListener } from '@hono/node-server'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SidecarEvent } from '../core/types.js'
import { companionApp } from './app.js'
import { Desk } from './desk.js'
import { agentSnapshot } from './snapshot.js'
import type { CompanionServer, Served, ServedAgent, ServerOptions, ServerSnapshot } from './types.js'

/**
 * Serves many agents behind one port: each client by the token that it sends, each through the chain of its own sidecar.
 * @throws TypeError or RangeError on a wrong or unknown option; what `listen` of the port fails with
 */
export async function createServer(options: ServerOptions = {}): Promise<CompanionServer> {
  const { host = '127.0.0.1', port = 0, agents = [] } = options
  const desk = new Desk()
  const companion = new Companion(desk)
  for (const agent of agents) companion.add(agent)
  const app = companionApp({ desk, companion, options })
  const server = createHttpServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }))
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(port, host, resolve))
  companion.opened(server, host)
  return companion
}

class Companion implements CompanionServer {
  readonly #desk: Desk
  readonly #listeners = new Set<(event: SidecarEvent) => void>()
  #server: HttpServer | undefined
  #baseURL = ''

  constructor(desk: Desk) {
    this.#desk = desk
  }

  opened(server: HttpServer, host: string): void {
    this.#server = server
    this.#baseURL = `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`
  }

  get baseURL(): string {
    return this.#baseURL
  }

  get agents(): readonly Served[] {
    return this.#desk.seats
  }

  add(agent: ServedAgent): Served {
    const seat = this.#desk.add(agent)
    seat.sidecar.subscribe(event => {
      for (const listener of this.#listeners) listener(event)
    })
    return seat
  }

  async remove(name: string, options: { readonly drainMs?: number } = {}): Promise<boolean> {
    const seat = this.#desk.drop(name)
    await seat?.sidecar.close(options)
    return seat !== undefined
  }

  snapshot(): ServerSnapshot {
    return { at: Date.now(), agents: this.#desk.seats.map(agentSnapshot) }
  }

  subscribe(listener: (event: SidecarEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    await Promise.allSettled(this.#desk.seats.map(({ name }) => this.remove(name, options)))
    const server = this.#server!
    await new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
}
