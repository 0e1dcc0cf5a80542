import { Hono } from 'hono'
import type { House, RouteEnv } from '../house.js'

/** `/v1/agents`: adds, removes, pauses, resumes and reaps agents at run time. */
export function agentsRoute(_house: House): Hono<RouteEnv> {
  return new Hono<RouteEnv>()
}
