import { Hono } from 'hono'
import type { House, RouteEnv } from '../house.js'

/** `POST /v1/hook`: what a client's hook asks before and after it runs a tool. */
export function hookRoute(_house: House): Hono<RouteEnv> {
  return new Hono<RouteEnv>()
}
