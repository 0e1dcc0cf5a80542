import { getRequestListener } from '@hono/node-server'
import type { RequestListener } from 'node:http'
import { invite } from '../claude/door/expect.js'
import { OpenRequests } from '../claude/door/open-requests.js'
import { openPort, type Port } from '../claude/door/open-port.js'
import { systemClock } from '../core/clock.js'
import type { SidecarEvent } from '../core/types.js'
import { within } from '../core/within.js'
import { companionApp } from './app.js'
import { checkedOptions } from './check-options.js'
import { Desk } from './desk.js'
import type { House } from './house.js'
import { agentListener } from './routes/agent-traffic.js'
import { serverSnapshot } from './snapshot.js'
import type { CompanionServer, Served, ServedAgent, ServerOptions, ServerSnapshot } from './types.js'

/**
 * Serves many agents behind one port: each client by the token that it sends, each through the chain of its own sidecar.
 * @throws TypeError, RangeError or ConfigError on a wrong or unknown option; what `listen` of the port fails with
 */
export async function createServer(options: ServerOptions = {}): Promise<CompanionServer> {
  const { address, limits } = checkedOptions(options)
  const { agents = [], adminToken, watchToken } = options
  const desk = new Desk([adminToken, watchToken])
  const open = new OpenRequests(limits.maxOpenRequests)
  const companion = new Companion(desk, open, options)
  try {
    for (const agent of agents) companion.add(agent)
    companion.opened(await openPort(address, limits, listenerOf({ desk, companion, options, limits, open })))
  } catch (error) {
    companion.deafen()
    throw error
  }
  return companion
}

// The path of most requests is short: no `Request` object is made for them.
const ofAgents = /^\/v1\/(?:messages|models)\b/

function listenerOf(house: House): RequestListener {
  const agents = agentListener(house)
  const routes = getRequestListener(companionApp(house).fetch, { overrideGlobalObjects: false })
  return (request, response) => {
    if (ofAgents.test(request.url!)) return agents(request, response)
    invite(request, response)
    void routes(request, response)
  }
}

// How long the answers of what has ended may take to flow out, in milliseconds.
const flowOutMs = 1_000

class Companion implements CompanionServer {
  readonly #desk: Desk
  readonly #open: OpenRequests
  readonly #options: ServerOptions
  readonly #listeners = new Set<(event: SidecarEvent) => void>()
  readonly #unsubscribe = new Map<string, () => void>()
  readonly #leaving = new Set<Promise<void>>()
  #port: Port | undefined
  #closing: Promise<void> | undefined

  constructor(desk: Desk, open: OpenRequests, options: ServerOptions) {
    this.#desk = desk
    this.#open = open
    this.#options = options
  }

  opened(port: Port): void {
    this.#port = port
  }

  /** Hears no sidecar any more. */
  deafen(): void {
    for (const stop of this.#unsubscribe.values()) stop()
    this.#unsubscribe.clear()
  }

  get baseURL(): string {
    return this.#port?.baseURL ?? ''
  }

  get agents(): readonly Served[] {
    return this.#desk.seats
  }

  add(agent: ServedAgent): Served {
    const seat = this.#desk.add(agent)
    this.#unsubscribe.set(
      seat.name,
      seat.sidecar.subscribe(event => this.#tell(event)),
    )
    return seat
  }

  /** A listener that throws is not heard again, and fails no other. */
  #tell(event: SidecarEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch {
        this.#listeners.delete(listener)
      }
    }
  }

  async remove(name: string, { drainMs }: { readonly drainMs?: number } = {}): Promise<boolean> {
    checkDrain('remove', drainMs)
    const seat = this.#desk.drop(name)
    if (!seat) return false
    const stop = this.#unsubscribe.get(name)
    this.#unsubscribe.delete(name)
    const left = seat.sidecar.close(drainMs === undefined ? {} : { drainMs }).finally(() => {
      stop?.()
      this.#leaving.delete(left)
    })
    this.#leaving.add(left)
    await left
    return true
  }

  snapshot(): ServerSnapshot {
    return serverSnapshot(this.#desk.seats, (this.#options.clock ?? systemClock).now())
  }

  subscribe(listener: (event: SidecarEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close({ drainMs = 10_000 }: { readonly drainMs?: number } = {}): Promise<void> {
    checkDrain('close', drainMs)
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  async #close(drainMs: number): Promise<void> {
    this.#desk.shut('the companion is closing')
    // Seats stay until their sidecars have ended: their clients are told 409, not 401, and `top` sees the drain.
    const ends = await Promise.allSettled([...this.#desk.seats.map(({ sidecar }) => sidecar.close({ drainMs })), ...this.#leaving])
    await within(this.#options.clock ?? systemClock, flowOutMs, this.#open.idle())
    await this.#port!.close()
    this.deafen()
    for (const { name } of this.#desk.seats) this.#desk.drop(name)
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }
}

function checkDrain(what: string, drainMs: number | undefined): void {
  if (drainMs !== undefined && !(drainMs >= 0)) throw new RangeError(`${what}: drainMs must be milliseconds from 0, got ${drainMs}`)
}
