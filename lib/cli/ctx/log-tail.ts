import { join } from 'node:path'
import { SigningError } from '../../core/errors.js'
import { logBytes } from '../../ctx/log/log-file.js'
import { linesOf, type ReadRecord, readLine } from '../../ctx/log/log-reader.js'

/** A record, or a line that is none, as `actx log` shows it. */
export interface Entry {
  readonly log: string
  /** Of the record; of the one before a line that cannot be read. */
  readonly at: number
  readonly record?: ReadRecord
  /** What is wrong with the line. */
  readonly unreadable?: string
}

/** When a log was begun, by its id; 0 where the id does not say. */
const startIn = (id: string): number => Number.parseInt(/-([0-9a-z]{9})(?:-\d+)?$/.exec(id)?.[1] ?? '0', 36)

/** One log, read on from where it was left. */
export class LogTail {
  readonly id: string
  /** No record of it is older. */
  readonly start: number
  readonly #read: (from: number) => AsyncIterable<Uint8Array>
  #offset = 0
  #at: number

  /**
   * @param dir - the folder that holds `log/`
   * @param read - how its bytes are read, from one of them on
   */
  constructor(dir: string, id: string, read: (from: number) => AsyncIterable<Uint8Array> = bytesIn(dir, id)) {
    this.#read = read
    this.id = id
    this.start = startIn(id)
    this.#at = this.start
  }

  /** What has been written since the last time, whole lines only. */
  async *fresh(): AsyncGenerator<Entry> {
    const from = this.#offset
    for await (const raw of linesOf(this.#read(from))) {
      if (!raw.whole) return
      this.#offset = from + raw.end
      const line = readLine(raw)
      if (line.type === 'record') this.#at = line.body.at
      if (line.type === 'record') yield { log: this.id, at: this.#at, record: line }
      if (line.type === 'unreadable') yield { log: this.id, at: this.#at, unreadable: line.says }
    }
  }
}

const bytesIn = (dir: string, id: string) => (from: number) => bytesFrom(join(dir, 'log', id, 'records.jsonl'), from)

/** What stands in a file behind so many bytes. A log whose file is not there yet is empty. */
async function* bytesFrom(path: string, start: number): AsyncGenerator<Uint8Array> {
  try {
    yield* logBytes(path, start)
  } catch (error) {
    if (!(error instanceof SigningError && error.facts.errno === 'ENOENT')) throw error
  }
}

interface Reading {
  next: Entry
  readonly rest: AsyncGenerator<Entry>
}

/** What is new in several logs, in the order of time. A log is opened when its time has come, so that few are open at once. */
export async function* merged(tails: readonly LogTail[]): AsyncGenerator<Entry> {
  const waiting = [...tails].sort((a, b) => a.start - b.start)
  const open: Reading[] = []
  try {
    for (;;) {
      const first = open.length > 0 ? open.reduce((a, b) => (b.next.at < a.next.at ? b : a)) : undefined
      if (waiting[0] && (!first || waiting[0].start <= first.next.at)) await begin(waiting.shift()!, open)
      else if (!first) return
      else {
        yield first.next
        await advance(first, open)
      }
    }
  } finally {
    for (const { rest } of open) await rest.return(undefined)
  }
}

async function begin(tail: LogTail, open: Reading[]): Promise<void> {
  const rest = tail.fresh()
  const { value, done } = await rest.next()
  if (!done) open.push({ next: value, rest })
}

async function advance(reading: Reading, open: Reading[]): Promise<void> {
  const { value, done } = await reading.rest.next()
  if (done) open.splice(open.indexOf(reading), 1)
  else reading.next = value
}
