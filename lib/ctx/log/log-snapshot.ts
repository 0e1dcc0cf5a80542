import { createHash } from 'node:crypto'
import { SigningError } from '../../core/errors.js'
import type { RecordLog } from './record-log.js'

/** How far a log was read, and what stood there. */
interface Seen {
  readonly bytes: number
  readonly digest: string
}

/**
 * Logs as they are when they are first read to the end, so that what was verified is what is read again. What is appended since does not
 * show; where anything else has changed since, reading ends with a SigningError.
 */
export function logSnapshot(log: RecordLog): RecordLog {
  const seen = new Map<string, Seen>()
  const states = new Map<string, ReturnType<RecordLog['state']>>()
  let ids: ReturnType<RecordLog['list']> | undefined
  return {
    ...log,
    list: () => (ids ??= log.list()),
    read: id => (seen.has(id) ? again(log, id, seen.get(id)!) : first(log, id, seen)),
    state: id => states.get(id) ?? remembered(states, id, log.state(id)),
  }
}

function remembered<T>(map: Map<string, T>, key: string, value: T): T {
  map.set(key, value)
  return value
}

async function* first(log: RecordLog, id: string, seen: Map<string, Seen>): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of log.read(id)) {
    hash.update(chunk)
    bytes += chunk.length
    yield chunk
  }
  seen.set(id, { bytes, digest: hash.digest('hex') })
}

async function* again(log: RecordLog, id: string, seen: Seen): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let left = seen.bytes
  for await (const whole of log.read(id)) {
    if (left === 0) break
    const chunk = whole.subarray(0, left)
    hash.update(chunk)
    left -= chunk.length
    yield chunk
  }
  if (hash.digest('hex') !== seen.digest) throw new SigningError(`the log ${id} was changed while it was read`)
}
