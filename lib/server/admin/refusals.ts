import type { IncomingHttpHeaders } from 'node:http'
import { OutriggerError } from '../../core/errors.js'
import { type Role, roleOf } from '../access.js'
import type { House } from '../house.js'

const refusal = (status: number, type: string, message: string): OutriggerError =>
  new OutriggerError('ERR_CONFIG', message, { http: { status, type } })

/** There is nothing of this name, or no such route. */
export const notFound = (message: string): OutriggerError => refusal(404, 'not_found_error', message)

/** What is asked for does not go with what is there. */
export const conflict = (message: string): OutriggerError => refusal(409, 'invalid_request_error', message)

/** Who may only watch wants to steer. */
const forbidden = (): OutriggerError =>
  refusal(403, 'permission_error', 'this needs the admin token; the watch token opens what reads, pauses and reaps')

/** @throws OutriggerError 404 where the server has no such routes, 401 for a wrong token, 403 for the watch token where it does not do */
export function admitted(house: House, headers: IncomingHttpHeaders, needed: Role): Role {
  const { adminToken, watchToken } = house.options
  if (adminToken === undefined && (needed === 'admin' || watchToken === undefined)) throw notFound('this companion has no such route')
  const role = roleOf(house, headers)
  if (needed === 'admin' && role !== 'admin') throw forbidden()
  return role
}
