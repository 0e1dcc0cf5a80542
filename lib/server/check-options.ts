import { addressOf, type FullAddress } from '../claude/door/address.js'
import { limitNames, type Limits, limitsOf } from '../claude/door/limits.js'
import { checkToken, sameSecret } from '../claude/door/token.js'
import { ConfigError } from '../core/errors.js'
import type { ServerOptions } from './types.js'

/** What each option must be besides what is checked of all together; the compiler holds the list complete. */
const checks: Readonly<Record<keyof ServerOptions, (value: unknown) => boolean>> = {
  host: () => true,
  port: () => true,
  hosts: () => true,
  agents: Array.isArray,
  adminToken: () => true,
  watchToken: () => true,
  open: value => typeof value === 'function',
  limits: value => typeof value === 'object' && value !== null && !Array.isArray(value),
  journal: value => typeof value === 'object' && value !== null,
  clock: value => typeof (value as { readonly after?: unknown } | null)?.after === 'function',
}

const shapes: Readonly<Record<string, string>> = {
  agents: 'a list of agents, like [{ sidecar }]',
  open: 'a function',
  journal: 'an object with added, removing and steered',
  limits: 'an object, like { maxBodyBytes: 1_000_000 }',
  clock: 'a clock, with now, monotonic and after',
}

/** @throws TypeError, RangeError or ConfigError that says the value and the fix; a token is not shown */
export function checkedOptions(options: ServerOptions): { readonly address: FullAddress; readonly limits: Limits } {
  for (const [name, value] of Object.entries(options)) checkOption(name, value)
  const { adminToken, watchToken, limits = {} } = options
  for (const [name, token] of Object.entries({ adminToken, watchToken }))
    if (token !== undefined) checkToken(`createServer: ${name}`, token)
  if (adminToken !== undefined && watchToken !== undefined && sameSecret(adminToken, watchToken))
    throw new ConfigError('createServer: adminToken and watchToken must differ: who may watch could do everything')
  for (const name of Object.keys(limits))
    if (!(limitNames as readonly string[]).includes(name))
      throw new TypeError(`createServer: limits: unknown limit "${name}"; known are ${limitNames.join(', ')}`)
  return { address: addressOf('createServer', options), limits: limitsOf('createServer: limits', limits) }
}

function checkOption(name: string, value: unknown): void {
  if (!Object.hasOwn(checks, name))
    throw new TypeError(`createServer: unknown option "${name}"; known are ${Object.keys(checks).join(', ')}`)
  if (value !== undefined && !checks[name as keyof ServerOptions](value))
    throw new TypeError(`createServer: ${name} must be ${shapes[name]}`)
}
