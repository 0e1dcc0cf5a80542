import type { IncomingHttpHeaders } from 'node:http'
import { credentialsIn, sameSecret, unauthorised } from '../claude/door/token.js'
import type { House } from './house.js'

/** Who may use a route that is not an agent's own: `admin` everything, `watch` what reads or tightens. */
export type Role = 'admin' | 'watch'

/** @throws OutriggerError 401 when the request bears neither the one token nor the other */
export function roleOf({ options }: House, headers: IncomingHttpHeaders): Role {
  const [given = ''] = credentialsIn(headers)
  const { adminToken, watchToken } = options
  const admin = adminToken !== undefined && sameSecret(given, adminToken)
  const watch = watchToken !== undefined && sameSecret(given, watchToken)
  if (admin) return 'admin'
  if (watch) return 'watch'
  throw unauthorised('this route needs the admin token or the watch token of the companion, as a bearer')
}
