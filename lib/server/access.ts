import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { credentialsIn, sameSecret, unauthorised } from '../claude/door/token.js'
import type { Seat } from './desk.js'
import type { House } from './house.js'

/** Who may use a route that is not an agent's own: `admin` everything, `watch` what reads or tightens. */
export type Role = 'admin' | 'watch'

/** Who looks at agents: one of the two, or an agent, at itself alone. */
export type Viewer = { readonly role: Role } | { readonly role: 'agent'; readonly seat: Seat }

/** Every credential that comes must be the one token or the other. @throws OutriggerError 401 */
export function roleOf(house: House, headers: IncomingHttpHeaders): Role {
  const role = roleIn(house, headers)
  if (!role) throw unauthorised('this route needs the admin token or the watch token of the companion, as a bearer')
  return role
}

/** @throws OutriggerError 401 when the request bears neither of the two tokens, nor that of an agent */
export function viewerOf(house: House, request: IncomingMessage): Viewer {
  const role = roleIn(house, request.headers)
  return role ? { role } : { role: 'agent', seat: house.desk.admit(request) }
}

function roleIn({ options }: House, headers: IncomingHttpHeaders): Role | undefined {
  const given = credentialsIn(headers)
  const { adminToken, watchToken } = options
  const admin = bears(given, adminToken)
  const watch = bears(given, watchToken)
  if (admin) return 'admin'
  return watch ? 'watch' : undefined
}

function bears(given: readonly string[], token: string | undefined): boolean {
  if (token === undefined || given.length === 0) return false
  return given.filter(value => sameSecret(value, token)).length === given.length
}
