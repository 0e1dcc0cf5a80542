import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { type Door, serveRequest } from '../../claude/door/serve-request.js'
import type { House, RouteEnv } from '../house.js'

/** Everything else: an agent's own requests, straight on `node:http`. What is not an endpoint of the Messages API is refused there. */
export function agentTraffic({ desk, options }: House): Hono<RouteEnv> {
  const { maxBodyBytes = 64 * 2 ** 20 } = options.limits ?? {}
  const door: Door = { maxBodyBytes, admit: request => desk.admit(request).seam }
  return new Hono<RouteEnv>().all('*', async c => {
    await serveRequest(door, c.env.incoming, c.env.outgoing)
    return RESPONSE_ALREADY_SENT
  })
}
