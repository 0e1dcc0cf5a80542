import { Hono } from 'hono'
import { roleOf } from '../access.js'
import type { House, RouteEnv } from '../house.js'

/** `GET /v1/snapshot`: every agent, now. */
export function snapshotRoute(house: House): Hono<RouteEnv> {
  return new Hono<RouteEnv>().get('/v1/snapshot', c => {
    roleOf(house, c.env.incoming.headers)
    return c.json(house.companion.snapshot())
  })
}
