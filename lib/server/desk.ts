import type { IncomingMessage } from 'node:http'
import { checkToken, credentialsIn, randomToken, tokenDigest, unauthorised } from '../claude/door/token.js'
import type { Seam } from '../claude/seam.js'
import { AgentReapedError, ConfigError } from '../core/errors.js'
import { seamBehind } from '../sidecar/seam-behind.js'
import { OutsideTools } from './tools/outside-tools.js'
import type { Served, ServedAgent } from './types.js'

/** An agent with what is behind its sidecar. */
export interface Seat extends Served {
  readonly seam: Seam
  readonly about: NonNullable<ServedAgent['about']>
  /** Its tools, which run where its client is. */
  readonly tools: OutsideTools
  /** Requests that are open. */
  open: number
}

/** Who is served: finds the agent that a request is of by its token alone. */
export class Desk {
  readonly #seats = new Map<string, Seat>()
  readonly #byDigest = new Map<string, Seat>()
  readonly #reserved: ReadonlySet<string>
  #closing: string | undefined

  /** @param reserved - tokens that open something else: no agent may have one */
  constructor(reserved: readonly (string | undefined)[] = []) {
    this.#reserved = new Set(reserved.flatMap(token => (token === undefined ? [] : tokenDigest(token))))
  }

  get seats(): readonly Seat[] {
    return [...this.#seats.values()]
  }

  /** How many agents are served. */
  get size(): number {
    return this.#seats.size
  }

  seat(name: string): Seat | undefined {
    return this.#seats.get(name)
  }

  /** @throws ConfigError when its name or token is taken, the sidecar is none of this library, or the desk is closing; TypeError on a wrong token */
  add({ sidecar, token = randomToken(), about = {} }: ServedAgent): Seat {
    const { name } = sidecar
    const seam = seamBehind(sidecar)
    if (!seam) throw new ConfigError(`agent "${name}": its sidecar was not made by createSidecar of this copy of outrigger`)
    if (this.#closing !== undefined) throw new ConfigError(`agent "${name}": ${this.#closing}; nothing new is let in`)
    if (this.#seats.has(name)) throw new ConfigError(`an agent "${name}" is served already; choose another name, or remove it first`)
    checkToken(`agent "${name}": its token`, token)
    const digest = tokenDigest(token)
    if (this.#byDigest.has(digest) || this.#reserved.has(digest))
      throw new ConfigError(
        `agent "${name}": its token is that of another agent, or of the companion itself; leave it out for a random one`,
      )
    const tools = new OutsideTools(seam.runtime)
    const seat = {
      name,
      sidecar,
      token,
      seam: { ...seam, follow: tools.follow.bind(tools), letGo: tools.letGo.bind(tools) },
      about,
      tools,
      open: 0,
    }
    this.#seats.set(name, seat)
    this.#byDigest.set(digest, seat)
    return seat
  }

  /** Its token opens nothing from here on. */
  drop(name: string): Seat | undefined {
    const seat = this.#seats.get(name)
    if (!seat) return undefined
    this.#seats.delete(name)
    this.#byDigest.delete(tokenDigest(seat.token))
    return seat
  }

  /** Lets nothing new in: neither agents nor requests. */
  shut(reason: string): void {
    this.#closing = reason
  }

  /** The agent whose token the request bears. Every credential that comes must be that token. @throws OutriggerError 401; 409 when the desk is closing */
  admit({ headers }: IncomingMessage): Seat {
    const [first, ...others] = credentialsIn(headers)
    const seat = first === undefined ? undefined : this.#byDigest.get(tokenDigest(first))
    if (!seat) throw unauthorised('wrong or missing token: send the one of an agent of this companion as x-api-key or as a bearer')
    if (others.some(other => this.#byDigest.get(tokenDigest(other)) !== seat))
      throw unauthorised(
        'two credentials came and differ: send the token alone; take the other of ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN out',
      )
    if (this.#closing !== undefined) throw new AgentReapedError({ agent: seat.name, reason: this.#closing })
    return seat
  }
}
