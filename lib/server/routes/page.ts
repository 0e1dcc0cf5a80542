import { Hono } from 'hono'
import type { House, RouteEnv } from '../house.js'

/** `GET /`: the live page. */
export function pageRoute(_house: House): Hono<RouteEnv> {
  return new Hono<RouteEnv>()
}
