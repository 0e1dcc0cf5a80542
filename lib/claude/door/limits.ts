import { constants } from 'node:buffer'

/** Limits of a port; what exceeds one is refused with a status of the 4xx, or cut off. */
export interface ServerLimits {
  /** The largest request body, in bytes: more is 413. Default 67,108,864 (64 MB). */
  readonly maxBodyBytes?: number
  /** The headers of one request, in bytes: more is 431. Default 65,536. */
  readonly maxHeaderBytes?: number
  /** Requests that are open at once, over all agents: one more is 429, and so is more than half of them by one of several agents. Connections: twice as many, 64 at least. Default 1,024. */
  readonly maxOpenRequests?: number
  /** How long a client may take to send the headers of a request, in milliseconds: longer is 408. Default 20,000. */
  readonly headersTimeoutMs?: number
  /** How long a client may take to send a whole request, in milliseconds: longer is 408. Default 120,000. */
  readonly requestTimeoutMs?: number
  /** How long a connection without a request is kept, in milliseconds. Default 60,000. */
  readonly keepAliveMs?: number
}

/** Every limit of a port. */
export type Limits = Required<ServerLimits>

const defaults: Limits = {
  maxBodyBytes: 64 * 2 ** 20,
  maxHeaderBytes: 65_536,
  maxOpenRequests: 1_024,
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 120_000,
  keepAliveMs: 60_000,
}

const longestMs = 2 ** 31 - 1

// A body becomes one string; headers of less than the least leave no room for a token and a host.
const ranges: Readonly<Record<keyof Limits, readonly [least: number, most: number]>> = {
  maxBodyBytes: [1, constants.MAX_STRING_LENGTH],
  maxHeaderBytes: [1_024, 16 * 2 ** 20],
  maxOpenRequests: [1, 1_000_000],
  headersTimeoutMs: [1, longestMs],
  requestTimeoutMs: [1, longestMs],
  keepAliveMs: [1, longestMs],
}

/** The names of all limits. */
export const limitNames: readonly (keyof Limits)[] = Object.keys(defaults) as (keyof Limits)[]

/**
 * The limits with their defaults; never writes to what it is given. Other options beside them are not looked at.
 * @throws RangeError on a value that is out of range, TypeError on one that is no number
 */
export function limitsOf(where: string, given: ServerLimits): Limits {
  const limits: { -readonly [K in keyof Limits]: number } = { ...defaults }
  for (const name of limitNames) if (given[name] !== undefined) limits[name] = checked(`${where}: ${name}`, given[name], ranges[name])
  if (given.headersTimeoutMs === undefined) limits.headersTimeoutMs = Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs)
  if (limits.headersTimeoutMs > limits.requestTimeoutMs)
    throw new RangeError(
      `${where}: headersTimeoutMs (${limits.headersTimeoutMs}) must not be longer than requestTimeoutMs (${limits.requestTimeoutMs})`,
    )
  return limits
}

function checked(what: string, value: unknown, [least, most]: readonly [number, number]): number {
  if (typeof value !== 'number') throw new TypeError(`${what} must be a number, got ${typeof value}`)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${what} must be a whole number from ${least} to ${most}, got ${value}`)
}
