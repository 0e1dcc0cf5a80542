import { Hono } from 'hono'
import { systemClock } from '../../core/clock.js'
import { viewerOf } from '../access.js'
import type { House, RouteEnv } from '../house.js'
import { serverSnapshot } from '../snapshot.js'

/** `GET /v1/snapshot`: every agent, now; with an agent's own token, that agent alone. */
export function snapshotRoute(house: House): Hono<RouteEnv> {
  const { clock = systemClock } = house.options
  return new Hono<RouteEnv>().get('/v1/snapshot', c => {
    const viewer = viewerOf(house, c.env.incoming)
    const seats = viewer.role === 'agent' ? [viewer.seat] : house.desk.seats
    return c.json(serverSnapshot(seats, clock.now()), 200, { 'cache-control': 'no-store', 'outrigger-role': viewer.role })
  })
}
