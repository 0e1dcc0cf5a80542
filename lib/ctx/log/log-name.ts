import { createHash } from 'node:crypto'

/**
 * The part of a log's id that says whose it is. An agent id of letters, digits, "_", "-" and "." stays as it is; another is written with "_"
 * and the beginning of its hash, so that no two become one.
 */
export function logName(agent: string): string {
  const safe = agent
    .replace(/[^\w.-]/g, '_')
    .replace(/^\./, '_')
    .slice(0, 80)
  return safe === agent ? safe : `${safe}-${createHash('sha256').update(agent).digest('hex').slice(0, 12)}`
}

/** The part of a log's id that says when it was begun: milliseconds since 1970 to the base of 36, nine digits, in the order of time. */
export const startOf = (ms: number): string => Math.max(0, Math.floor(ms)).toString(36).padStart(9, '0')

/** Is this the id of a log whose name begins like this? A number behind the start tells two of one millisecond apart. */
export const isLogOf = (id: string, prefix: string): boolean =>
  id.startsWith(prefix) && /^[0-9a-z]{9}(-\d{1,4})?$/.test(id.slice(prefix.length))
