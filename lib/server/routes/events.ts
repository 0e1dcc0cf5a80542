import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import type { ServerResponse } from 'node:http'
import { OutriggerError } from '../../core/errors.js'
import { type Viewer, viewerOf } from '../access.js'
import { EventReader } from '../event-reader.js'
import { Feed } from '../feed.js'
import type { House, RouteEnv } from '../house.js'

/** How many may read at once: in all with the tokens of the companion, and with each agent's own. */
const mostReaders = { companion: 64, agent: 4 }

/** `GET /v1/events`: a snapshot, then every event of every agent, as server-sent events; with an agent's own token, of that agent alone. */
export function eventsRoute(house: House): Hono<RouteEnv> {
  const feed = new Feed(house)
  const places = new Places()
  return new Hono<RouteEnv>().get('/v1/events', c => {
    const { incoming, outgoing } = c.env
    const viewer = viewerOf(house, incoming)
    const leave = places.take(viewer)
    outgoing.once('close', leave)
    if (incoming.method === 'HEAD') outgoing.writeHead(200, headersFor(viewer)).end()
    else read(feed, viewer, outgoing)
    return RESPONSE_ALREADY_SENT
  })
}

function read(feed: Feed, viewer: Viewer, response: ServerResponse): void {
  response.writeHead(200, headersFor(viewer))
  const reader = new EventReader(response, viewer.role === 'agent' ? viewer.seat : undefined)
  response.once('close', feed.join(reader))
}

const headersFor = ({ role }: Viewer) => ({
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'outrigger-role': role,
})

/** Counts who reads. */
class Places {
  readonly #taken = new Map<unknown, number>()

  /** @throws OutriggerError 429 where all are taken */
  take(viewer: Viewer): () => void {
    const [of, most] = viewer.role === 'agent' ? [viewer.seat, mostReaders.agent] : ['companion', mostReaders.companion]
    const taken = this.#taken.get(of) ?? 0
    if (taken >= most) throw tooMany(most)
    this.#taken.set(of, taken + 1)
    return () => this.#leave(of)
  }

  #leave(of: unknown): void {
    const left = this.#taken.get(of)! - 1
    if (left > 0) this.#taken.set(of, left)
    else this.#taken.delete(of)
  }
}

function tooMany(most: number): OutriggerError {
  return new OutriggerError('ERR_CONFIG', `${most} readers of events are connected already; close one`, {
    http: { status: 429, type: 'rate_limit_error' },
  })
}
