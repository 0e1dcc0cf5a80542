import { Hono } from 'hono'
import type { House, RouteEnv } from '../house.js'

/** `GET /v1/events`: a snapshot, then every event of every agent, as server-sent events. */
export function eventsRoute(_house: House): Hono<RouteEnv> {
  return new Hono<RouteEnv>()
}
