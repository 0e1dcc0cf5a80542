import { isIP, type LookupFunction } from 'node:net'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import type { Clock } from '../core/clock.js'
import { canonicalAddress } from '../policy/network/addresses.js'

/** Milliseconds after which a pool that nobody asks for is given up. Its idle sockets are closed long before. */
const unusedMs = 60_000
/** The longest that a server may ask an idle socket to be kept: milliseconds. */
const keepAliveMs = 10_000
const connectMs = 10_000

interface Kept {
  readonly pool: Pool
  asked: number
}

/**
 * Connections to judged addresses. A socket is used again only under the policy, for the origin and by the set of addresses that it was opened for. No proxy
 * is asked, whatever the environment says, and certificates are always checked.
 */
export class PinnedPools {
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param addresses - in the order in which they are tried */
  to(policy: string, origin: string, addresses: readonly string[]): Dispatcher {
    const now = this.#clock.monotonic()
    this.#sweep(now)
    const key = JSON.stringify([policy, origin, [...addresses].sort()])
    const kept = this.#kept.get(key) ?? { pool: pinnedPool(origin, addresses), asked: now }
    kept.asked = now
    this.#kept.set(key, kept)
    return kept.pool
  }

  /** How many are kept. */
  get size(): number {
    return this.#kept.size
  }

  #sweep(now: number): void {
    for (const [key, { pool, asked }] of this.#kept)
      if (now - asked > unusedMs) {
        this.#kept.delete(key)
        pool.close().catch(() => {})
      }
  }
}

function pinnedPool(origin: string, addresses: readonly string[]): Pool {
  // The deadlines are those of the rule, on the clock of the sidecar.
  return new Pool(origin, { connect: pinned(addresses), headersTimeout: 0, bodyTimeout: 0, keepAliveMaxTimeout: keepAliveMs })
}

/** Connects to one of the addresses, or not at all. The name stays what it is: in `Host`, in SNI and for the certificate. */
function pinned(addresses: readonly string[]): buildConnector.connector {
  const connect = buildConnector({ lookup: only(addresses), rejectUnauthorized: true, timeout: connectMs, autoSelectFamily: true } as never)
  const judged = new Set(addresses.map(canonicalAddress))
  return (options, callback) =>
    connect(options, (...[error, socket]: buildConnector.CallbackArgs) => {
      if (error) return callback(error, null)
      if (judged.has(canonicalAddress(socket.remoteAddress ?? '::'))) return callback(null, socket)
      socket.destroy()
      callback(new Error('the connection leads to an address that was not judged'), null)
    })
}

/** Answers with what was judged, whoever asks: there is no second question that another answer could be given to. */
function only(addresses: readonly string[]): LookupFunction {
  const found = addresses.map(address => ({ address, family: isIP(address) }))
  return (_, { all }, callback) => {
    if (all) callback(null, found)
    else callback(null, found[0]!.address, found[0]!.family)
  }
}
