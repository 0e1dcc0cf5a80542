import { Hono } from 'hono'
import { errorReply } from '../claude/reply.js'
import type { House, RouteEnv } from './house.js'
import { agentTraffic } from './routes/agent-traffic.js'
import { agentsRoute } from './routes/agents.js'
import { eventsRoute } from './routes/events.js'
import { hookRoute } from './routes/hook.js'
import { pageRoute } from './routes/page.js'
import { snapshotRoute } from './routes/snapshot.js'

/** The routes of a companion. What is not one of its own is an agent's request. */
export function companionApp(house: House): Hono<RouteEnv> {
  const app = new Hono<RouteEnv>()
  for (const route of [snapshotRoute, eventsRoute, agentsRoute, hookRoute, pageRoute, agentTraffic]) app.route('/', route(house))
  return app.onError(error => {
    const { status, headers, body } = errorReply(error)
    return new Response(body as string, { status, headers })
  })
}
