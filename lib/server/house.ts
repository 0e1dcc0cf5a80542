import type { HttpBindings } from '@hono/node-server'
import type { Limits } from '../claude/door/limits.js'
import type { OpenRequests } from '../claude/door/open-requests.js'
import type { Desk } from './desk.js'
import type { CompanionServer, ServerOptions } from './types.js'

/** What the routes of a server share. */
export interface House {
  readonly desk: Desk
  readonly companion: CompanionServer
  readonly options: ServerOptions
  readonly limits: Limits
  /** Requests of agents that are open. */
  readonly open: OpenRequests
}

/** What a route of ours finds in its context: the request and the response of `node:http`. */
export interface RouteEnv {
  Bindings: HttpBindings
}
