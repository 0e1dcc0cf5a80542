import type { IncomingHttpHeaders } from 'node:http'
import { credentialsIn, sameSecret, unauthorised } from '../claude/door/token.js'
import type { House } from './house.js'

/** Who may use a route that is not an agent's own: `admin` everything, `watch` what reads or tightens. */
export type Role = 'admin' | 'watch'

/** Every credential that comes must be the one token or the other. @throws OutriggerError 401 */
export function roleOf({ options }: House, headers: IncomingHttpHeaders): Role {
  const given = credentialsIn(headers)
  const { adminToken, watchToken } = options
  const admin = bears(given, adminToken)
  const watch = bears(given, watchToken)
  if (admin) return 'admin'
  if (watch) return 'watch'
  throw unauthorised('this route needs the admin token or the watch token of the companion, as a bearer')
}

function bears(given: readonly string[], token: string | undefined): boolean {
  if (token === undefined || given.length === 0) return false
  return given.filter(value => sameSecret(value, token)).length === given.length
}
