import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import type { RequestListener } from 'node:http'
import { type Door, serveRequest } from '../../claude/door/serve-request.js'
import type { House, RouteEnv } from '../house.js'

/** Answers an agent's own request straight on `node:http`. What is not an endpoint of the Messages API is refused there. */
export function agentListener(house: House): RequestListener {
  const door = doorOf(house)
  return (request, response) => void serveRequest(door, request, response)
}

/** Everything that no route of ours takes. */
export function agentTraffic(house: House): Hono<RouteEnv> {
  const door = doorOf(house)
  return new Hono<RouteEnv>().all('*', async c => {
    await serveRequest(door, c.env.incoming, c.env.outgoing)
    return RESPONSE_ALREADY_SENT
  })
}

function doorOf({ desk, limits, open }: House): Door {
  return {
    maxBodyBytes: limits.maxBodyBytes,
    admit(request, response) {
      const seat = desk.admit(request)
      open.enter(seat, response, desk.size > 1)
      return seat.seam
    },
  }
}
