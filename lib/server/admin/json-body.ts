import type { IncomingMessage } from 'node:http'
import { readBody } from '../../claude/door/read-body.js'
import { ConfigError } from '../../core/errors.js'

/** What an admin sends is short. */
const mostBytes = 65_536

/** The JSON of a request's body. @throws OutriggerError 413 beyond 65,536 bytes, ConfigError for what is no JSON */
export async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const text = await readBody(request, mostBytes)
  try {
    return JSON.parse(text)
  } catch {
    throw new ConfigError('the body is not valid JSON; send an object')
  }
}

/** Why an agent is paused, resumed or reaped: it stands in refusals and in the record. @throws ConfigError */
export async function reasonIn(request: IncomingMessage): Promise<string> {
  const body = await jsonBody(request)
  const { reason, ...others } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new ConfigError(`unknown field ${JSON.stringify(unknown).slice(0, 60)}; send { "reason": "…" }`)
  if (typeof reason !== 'string' || !/^[\p{L}\p{N}\p{P}\p{S} ]{1,200}$/u.test(reason))
    throw new ConfigError('"reason" must be one line of 1 to 200 letters, digits and signs; send { "reason": "…" }')
  return reason
}
