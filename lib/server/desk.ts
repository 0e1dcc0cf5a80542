import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { credentialsIn, sameSecret, unauthorised } from '../claude/door/token.js'
import type { Seam } from '../claude/seam.js'
import { ConfigError } from '../core/errors.js'
import { seamBehind } from '../sidecar/seam-behind.js'
import type { Served, ServedAgent } from './types.js'

/** An agent with what is behind its sidecar. */
export interface Seat extends Served {
  readonly seam: Seam
  readonly about: NonNullable<ServedAgent['about']>
  /** Requests that are open. */
  open: number
}

/** Who is served: finds the agent that a request is of by its token alone. */
export class Desk {
  readonly #seats = new Map<string, Seat>()

  get seats(): readonly Seat[] {
    return [...this.#seats.values()]
  }

  seat(name: string): Seat | undefined {
    return this.#seats.get(name)
  }

  /** @throws ConfigError when its name or token is taken, or the sidecar is none of this library */
  add({ sidecar, token = `outrigger-${randomBytes(24).toString('base64url')}`, about = {} }: ServedAgent): Seat {
    const { name } = sidecar
    const seam = seamBehind(sidecar)
    if (!seam) throw new ConfigError(`agent "${name}": its sidecar was not made by createSidecar of this copy of outrigger`)
    if (this.#seats.has(name)) throw new ConfigError(`an agent "${name}" is served already; choose another name, or remove it first`)
    if (this.#by(token)) throw new ConfigError(`agent "${name}": its token is that of another agent; leave it out for a random one`)
    const seat = { name, sidecar, token, seam, about, open: 0 }
    this.#seats.set(name, seat)
    return seat
  }

  drop(name: string): Seat | undefined {
    const seat = this.#seats.get(name)
    this.#seats.delete(name)
    return seat
  }

  /** The agent whose token the request bears. Every credential that comes must be that token. @throws OutriggerError 401 */
  admit({ headers }: IncomingMessage): Seat {
    const given = credentialsIn(headers)
    const seat = given.length > 0 ? this.#by(given[0]!) : undefined
    if (!seat) throw unauthorised('wrong or missing token: send the one of an agent of this companion as x-api-key or as a bearer')
    if (!given.every(value => sameSecret(value, seat.token)))
      throw unauthorised(
        'two credentials came and differ: send the token alone; take the other of ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN out',
      )
    return seat
  }

  /** Looks at every token, whichever fits: how long it takes says nothing. */
  #by(token: string): Seat | undefined {
    let found: Seat | undefined
    for (const seat of this.#seats.values()) if (sameSecret(seat.token, token)) found = seat
    return found
  }
}
