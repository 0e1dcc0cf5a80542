import { SigningError } from '../../core/errors.js'
import { isLogOf } from './log-name.js'
import type { LogHandle, RecordLog } from './record-log.js'

/** Options of {@link memoryLog}. */
export interface MemoryLogOptions {
  /** How much the log may hold, in bytes; what does not fit is refused, and with it the action. Default 268,435,456. */
  readonly maxBytes?: number
}

/** What a block of a log holds, at least: 64 KiB. The next is as large as all before it, up to 1 MiB: large ones cost less a byte to come by. */
const blockBytes = { least: 2 ** 16, most: 2 ** 20 }

/** The bytes of one log, in blocks outside the heap: many records are few objects. */
class Kept {
  state: 'open' | 'left' | 'done' = 'open'
  bytes = 0
  #blocks: Buffer[] = []
  #used = 0

  append(lines: Uint8Array): void {
    const bytes = lines.length
    const last = this.#blocks.at(-1)
    if (!last || last.length - this.#used < bytes) {
      if (last) this.#blocks[this.#blocks.length - 1] = last.subarray(0, this.#used)
      this.#blocks.push(Buffer.allocUnsafe(Math.max(blockBytes.least, Math.min(this.bytes, blockBytes.most), bytes)))
      this.#used = 0
    }
    this.#blocks.at(-1)!.set(lines, this.#used)
    this.#used += bytes
    this.bytes += bytes
  }

  cut(bytes: number): void {
    const whole = Buffer.concat([...this.read()]).subarray(0, bytes)
    this.#blocks = [whole]
    this.#used = whole.length
    this.bytes = whole.length
  }

  /** What stands there now, a copy. */
  *read(): Generator<Uint8Array> {
    const { length } = this.#blocks
    for (let at = 0; at < length; at++) yield Buffer.from(at === length - 1 ? this.#blocks[at]!.subarray(0, this.#used) : this.#blocks[at]!)
  }
}

/**
 * Logs in memory: signed, chained and verifiable like those in files, and gone with the process. For tests, benchmarks and agents that keep
 * no files.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function memoryLog(options: MemoryLogOptions = {}): RecordLog {
  const maxBytes = validated(options)
  const logs = new Map<string, Kept>()
  const room = { left: maxBytes, maxBytes }
  const keptOf = (id: string): Kept => {
    const kept = logs.get(id)
    if (!kept) throw new SigningError(`there is no log "${id}" in memory`)
    return kept
  }
  return {
    where: 'memory',
    async create(wanted) {
      const id = freeName(wanted, logs)
      const kept = new Kept()
      logs.set(id, kept)
      return new MemoryHandle(id, kept, room, true)
    },
    async resume(prefix) {
      const id = [...logs.keys()].reverse().find(name => isLogOf(name, prefix) && logs.get(name)!.state === 'left')
      if (id === undefined) return
      keptOf(id).state = 'open'
      return new MemoryHandle(id, keptOf(id), room, false)
    },
    async reopen(id) {
      const kept = keptOf(id)
      if (kept.state === 'open') return
      kept.state = 'open'
      return new MemoryHandle(id, kept, room, false)
    },
    list: async () => [...logs.keys()].sort(),
    read: id => bytesOf(keptOf(id)),
    state: async id => keptOf(id).state,
  }
}

class MemoryHandle implements LogHandle {
  readonly id: string
  readonly fresh: boolean
  readonly #kept: Kept
  readonly #room: { left: number; readonly maxBytes: number }
  #ended: SigningError | undefined

  constructor(id: string, kept: Kept, room: { left: number; readonly maxBytes: number }, fresh: boolean) {
    this.id = id
    this.fresh = fresh
    this.#kept = kept
    this.#room = room
  }

  read(): AsyncIterable<Uint8Array> {
    return bytesOf(this.#kept)
  }

  async cut(bytes: number): Promise<void> {
    const before = this.#kept.bytes
    this.#kept.cut(bytes)
    this.#room.left += before - this.#kept.bytes
  }

  append(lines: Uint8Array): Promise<void> | undefined {
    const bytes = lines.length
    if (!this.#ended && bytes > this.#room.left) this.#ended = full(this.#room.maxBytes)
    if (this.#ended) return Promise.reject(this.#ended)
    this.#room.left -= bytes
    this.#kept.append(lines)
  }

  async close({ finished }: { readonly finished: boolean }): Promise<void> {
    this.#ended ??= new SigningError(`the log ${this.id} is closed`)
    if (this.#kept.state === 'open') this.#kept.state = finished ? 'done' : 'left'
  }
}

async function* bytesOf(kept: Kept): AsyncGenerator<Uint8Array> {
  yield* kept.read()
}

function freeName(wanted: string, logs: ReadonlyMap<string, unknown>): string {
  let id = wanted
  for (let n = 2; logs.has(id); n++) id = `${wanted}-${n}`
  return id
}

const full = (maxBytes: number): SigningError =>
  new SigningError(`the log in memory is full: it may hold ${maxBytes} bytes; raise maxBytes, or keep the log in files`, { maxBytes })

function validated(options: MemoryLogOptions): number {
  if (typeof options !== 'object' || options === null) throw new TypeError('memoryLog: options must be an object')
  for (const key of Object.keys(options))
    if (key !== 'maxBytes') throw new TypeError(`memoryLog: unknown option "${key}"; known is maxBytes`)
  const { maxBytes = 2 ** 28 } = options
  if (typeof maxBytes !== 'number' || !(maxBytes > 0))
    throw new RangeError(`memoryLog: maxBytes must be a number above 0, got ${String(maxBytes)}`)
  return maxBytes
}
