import type { HttpBindings } from '@hono/node-server'
import type { Desk } from './desk.js'
import type { CompanionServer, ServerOptions } from './types.js'

/** What the routes of a server share. */
export interface House {
  readonly desk: Desk
  readonly companion: CompanionServer
  readonly options: ServerOptions
}

/** What a route of ours finds in its context: the request and the response of `node:http`. */
export interface RouteEnv {
  Bindings: HttpBindings
}
