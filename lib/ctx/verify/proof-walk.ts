import { SigningError } from '../../core/errors.js'
import { type LogCheckpoint, readHead } from '../log/log-checkpoint.js'
import { linesOf, readLine, type ReadRecord } from '../log/log-reader.js'
import { type SealedRecord, sealRecord } from '../record/record.js'
import type { RecordLog } from '../log/record-log.js'
import type { TreePath } from '../tree/tree-path.js'

/** Where a way up leads to: the checkpoint that was given, or the last one that covers what is followed. */
export class Way {
  readonly #log: string
  readonly #given: { readonly note: string; readonly head: LogCheckpoint } | undefined
  readonly #isCovered: () => boolean
  #found: { readonly note: string; readonly size: number; readonly path: readonly string[] } | undefined

  constructor(log: string, checkpoint: string | undefined, isCovered: () => boolean) {
    this.#log = log
    this.#isCovered = isCovered
    this.#given = checkpoint === undefined ? undefined : { note: checkpoint, head: headOf('the proof', 'checkpoint', checkpoint) }
  }

  /** A record was appended. */
  grown(tree: TreePath): void {
    if (this.#given?.head.size === tree.size && this.#given.head.log === this.#log) this.#take(this.#given.note, this.#given.head, tree)
  }

  /** A checkpoint stands in the log. */
  noted(note: string, tree: TreePath): void {
    const head = readHead(note)
    if (head?.log !== this.#log || head.size !== tree.size || head.root !== tree.root()) throw notWhole(this.#log, 'a checkpoint')
    if (!this.#given) this.#take(note, head, tree)
  }

  end(size: number, what: string): { readonly note: string; readonly size: number; readonly path: readonly string[] } {
    if (this.#found) return this.#found
    if (!this.#given)
      throw new SigningError(`no checkpoint covers ${what} of ${this.#log} yet; one comes in time, and when the log is closed`)
    const { head } = this.#given
    if (head.log !== this.#log) throw new RangeError(`the checkpoint is of log ${head.log}, not of ${this.#log}`)
    if (head.size > size) throw new SigningError(`the log ${this.#log} has ${size} records, the checkpoint is of ${head.size}`)
    throw new RangeError(`the checkpoint is of ${head.size} records: it does not cover ${what}`)
  }

  #take(note: string, head: LogCheckpoint, tree: TreePath): void {
    if (head.root !== tree.root()) throw otherRecords(head)
    if (this.#isCovered()) this.#found = { note, size: head.size, path: tree.path() }
  }
}

/** Grows the tree by the records of a log. A last line that is not whole is one that is being written. */
export async function walk(
  logs: RecordLog,
  id: string,
  tree: TreePath,
  way: Way,
  before?: (record: ReadRecord, sealed: SealedRecord, text: string) => void,
  after?: () => void,
): Promise<void> {
  for await (const raw of linesOf(logs.read(id))) {
    if (!raw.whole) return
    const line = readLine(raw)
    if (line.type === 'unreadable') throw notWhole(id, `line ${raw.line}`)
    if (line.type === 'checkpoint') {
      way.noted(line.note, tree)
      continue
    }
    const sealed = sealRecord(line.text)
    before?.(line, sealed, raw.bytes.toString())
    tree.append(sealed.leaf)
    after?.()
    way.grown(tree)
  }
}

const notWhole = (log: string, what: string): SigningError =>
  new SigningError(`the log ${log} is not whole: ${what} is not as it was written; see actx verify`)
/** The log is not the one that a checkpoint is of. */
export const otherRecords = ({ log, size }: LogCheckpoint): SigningError =>
  new SigningError(`the first ${size} records of ${log} are not those of the checkpoint; see actx verify --checkpoint`)

/** What a checkpoint says that was given as an option. @throws TypeError where it is none */
export function headOf(who: string, name: string, note: unknown): LogCheckpoint {
  const head = typeof note === 'string' ? readHead(note) : undefined
  if (!head) throw new TypeError(`${who}: ${name} must be a checkpoint of a log, a signed note`)
  return head
}

/** The options, if all of them are known. @throws TypeError where one is not */
export function known<T extends object>(who: string, options: T, names: readonly (keyof T & string)[]): T {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${who}: options must be an object`)
  for (const name of Object.keys(options))
    if (!names.includes(name as keyof T & string)) throw new TypeError(`${who}: unknown option "${name}"; known are ${names.join(', ')}`)
  return options
}
