import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { ConfigError } from '../../core/errors.js'
import { SpecCheck } from '../admin/check-spec.js'
import { jsonBody, reasonIn } from '../admin/json-body.js'
import { openAgent } from '../admin/open-agent.js'
import { admitted, conflict, notFound } from '../admin/refusals.js'
import { isVerb, type Steering, steerings } from '../admin/steering.js'
import type { Seat } from '../desk.js'
import type { House, RouteEnv } from '../house.js'
import { agentSnapshot } from '../snapshot.js'

/** `/v1/agents`: adds, removes, pauses, resumes and reaps agents at run time. */
export function agentsRoute(house: House): Hono<RouteEnv> {
  const desk = new AdminDesk(house)
  return new Hono<RouteEnv>()
    .get('/v1/agents', c => c.json(desk.list(c.env)))
    .post('/v1/agents', async c => c.json(await desk.add(c.env), 201, { 'cache-control': 'no-store' }))
    .delete('/v1/agents/:name', async c => c.json(await desk.remove(c.env, c.req.param('name'), c.req.query('drainMs'))))
    .post('/v1/agents/:name/:verb', async c => c.json(await desk.steer(c.env, c.req.param('name'), c.req.param('verb'))))
    .all('/v1/agents/*', c => {
      admitted(house, c.env.incoming.headers, 'watch')
      throw notFound(`there is no ${c.req.method} here; see GET and POST /v1/agents, DELETE /v1/agents/NAME, POST /v1/agents/NAME/pause`)
    })
}

/** One server's admin API. */
class AdminDesk {
  readonly #house: House
  readonly #specs = new SpecCheck()
  /** Names of agents that are being added. */
  readonly #opening = new Set<string>()

  constructor(house: House) {
    this.#house = house
  }

  list({ incoming }: HttpBindings): object {
    admitted(this.#house, incoming.headers, 'watch')
    return { agents: this.#house.desk.seats.map(agentSnapshot) }
  }

  async add({ incoming }: HttpBindings): Promise<object> {
    admitted(this.#house, incoming.headers, 'admin')
    const { open } = this.#house.options
    if (!open) throw notFound('this companion adds no agents at run time: it was made without `open`')
    const spec = await this.#specs.check(await jsonBody(incoming))
    const { name, token: given } = spec
    if (this.#opening.has(name) || this.#house.desk.seat(name))
      throw conflict(`an agent "${name}" is served already; choose another name, or remove it first`)
    this.#opening.add(name)
    try {
      const { token } = await openAgent(this.#house, open, spec)
      return { agent: agentSnapshot(this.#seat(name)), ...(given === undefined ? { token } : {}) }
    } finally {
      this.#opening.delete(name)
    }
  }

  async remove({ incoming }: HttpBindings, name: string, drain: string | undefined): Promise<object> {
    admitted(this.#house, incoming.headers, 'admin')
    const drainMs = drainOf(drain)
    this.#seat(name)
    await this.#house.options.journal?.removing(name)
    await this.#house.companion.remove(name, drainMs === undefined ? {} : { drainMs })
    return { removed: name }
  }

  async steer({ incoming }: HttpBindings, name: string, verb: string): Promise<object> {
    if (!isVerb(verb))
      throw notFound(`there is no ${JSON.stringify(verb).slice(0, 60)} here; known are ${Object.keys(steerings).join(', ')}`)
    const steering: Steering = steerings[verb]
    admitted(this.#house, incoming.headers, steering.needs)
    this.#seat(name)
    const reason = await reasonIn(incoming)
    // Its name may be another's by now.
    const seat = this.#seat(name)
    await steering.apply(seat, reason, this.#house.options.journal)
    return { agent: agentSnapshot(seat) }
  }

  #seat(name: string): Seat {
    const seat = this.#house.desk.seat(name)
    if (!seat) throw notFound(`there is no agent ${JSON.stringify(name).slice(0, 70)}; see GET /v1/agents`)
    return seat
  }
}

const mostDrainMs = 3_600_000

function drainOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,7}$/.test(text) && Number(text) <= mostDrainMs) return Number(text)
  throw new ConfigError(`drainMs must be milliseconds from 0 to ${mostDrainMs}, a whole number`)
}
