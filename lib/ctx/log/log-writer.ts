import type { Clock } from '../../core/clock.js'
import { SigningError } from '../../core/errors.js'
import { encodeBase64 } from '../base64-strict.js'
import { signCheckpoint } from './log-checkpoint.js'
import { label } from '../statement/label.js'
import { type LogEvent, logEvent } from './log-event.js'
import { isLogOf, logName, startOf } from './log-name.js'
import { type LeftLog, readLeftLog } from './log-recovery.js'
import {
  checkpointLine,
  noLeaf,
  recordBody,
  type RecordDraft,
  type RecordFrame,
  recordEnd,
  recordFrame,
  type SealedRecord,
  sealRecord,
} from '../record/record.js'
import { RecordPage } from '../record/record-page.js'
import type { LogHandle, RecordLog } from './record-log.js'
import type { RecordSigner } from '../keys/record-signer.js'
import { TreeFrontier } from '../tree/tree-frontier.js'

/** Where a log stood: its last record. */
export interface LogHead {
  readonly log: string
  readonly seq: number
  /** The record's leaf hash, hex. */
  readonly leaf: string
}

/** Options of {@link LogWriter.open}. */
export interface LogWriterOptions {
  readonly log: RecordLog
  readonly agent: { readonly id: string; readonly name: string; readonly type: string }
  readonly signer: RecordSigner
  readonly clock: Clock
  /** Above 0: records are chained at once and signed together, by a tree head, at the latest after this many milliseconds. Default 0. */
  readonly batchMs?: number | undefined
  /** A signed checkpoint follows every so many records. Default 256. */
  readonly checkpointEvery?: number | undefined
  /**
   * For writers that come and go: `open` goes on with a log of this agent that was parked, as long as it has fewer records than this, and `park`
   * closes one that has them. Default 0: every writer makes a log of its own.
   */
  readonly parkBelow?: number | undefined
  /** The log of the agent that spawned this one. */
  readonly parent?: LogHead | undefined
  /** Told when a tree head cannot be written, since nobody waits for it. */
  onFailure?(error: SigningError): void
}

/** A record that is in the log's memory; on the disk when `durable` has resolved. */
export interface WrittenRecord extends SealedRecord {
  readonly seq: number
  /** Canonical JSON. */
  readonly body: string
  /** Base64; `undefined` where a tree head will cover it. */
  readonly sig: string | undefined
  /** `undefined`: it is durable already. Rejects with SigningError where it cannot be. */
  readonly durable: Promise<void> | undefined
}

/** How one record is signed. */
export interface AppendOptions {
  /** By itself, also where a tree head would cover it. */
  readonly sign?: boolean
  /** A second signature, by the key that follows. */
  readonly cosigner?: RecordSigner
}

/** Writes one log: chains, signs and numbers its records. After one failure it is stopped for good. */
export class LogWriter {
  readonly id: string
  readonly #options: LogWriterOptions
  readonly #handle: LogHandle
  readonly #tree: TreeFrontier
  readonly #page = new RecordPage()
  readonly #batchMs: number
  readonly #every: number
  #signer: RecordSigner
  #frame: RecordFrame
  #leaf: string
  #durable: LogHead | undefined
  /** The size that the newest checkpoint is of, and its note. */
  #noted = 0
  #note = ''
  #disarm: (() => void) | undefined
  #stopped: SigningError | undefined
  #closing: Promise<void> | undefined
  /** The closing record is written: nothing may follow it. */
  #ended = false

  private constructor(options: LogWriterOptions, handle: LogHandle, left?: LeftLog) {
    const { batchMs = 0, checkpointEvery = 256, signer, agent } = options
    this.#options = options
    this.#handle = handle
    this.id = handle.id
    this.#batchMs = batchMs
    this.#every = checkpointEvery
    this.#signer = signer
    this.#frame = recordFrame({ agent: agent.id, key: signer.id, log: handle.id })
    this.#tree = left?.tree ?? new TreeFrontier()
    this.#leaf = left?.leaf ?? noLeaf
    this.#noted = left?.noted ?? 0
    if (left && left.tree.size > 0) this.#durable = { log: handle.id, seq: left.tree.size - 1, leaf: left.leaf }
  }

  /**
   * Opens the log that this agent left behind when its process ended, or parked, where there is one that is sound; else makes a new one. When it
   * resolves, the first record is durable.
   * @throws SigningError where neither can be done
   */
  static async open(options: LogWriterOptions): Promise<LogWriter> {
    return (await LogWriter.#resume(options)) ?? (await LogWriter.#unpark(options)) ?? (await LogWriter.#create(options))
  }

  static async #create(options: LogWriterOptions): Promise<LogWriter> {
    const { log, agent, clock } = options
    const handle = await log.create(`${logName(agent.id)}-${startOf(clock.now())}`)
    return orGiveUp(handle, () => new LogWriter(options, handle).#opened())
  }

  static async #resume(options: LogWriterOptions): Promise<LogWriter | undefined> {
    const { log, agent } = options
    const handle = await log.resume(`${logName(agent.id)}-`)
    return handle && orGiveUp(handle, () => LogWriter.#goOn(options, handle))
  }

  /** The newest log that nobody holds: an older one behind a closed one stays as it is. */
  static async #unpark(options: LogWriterOptions): Promise<LogWriter | undefined> {
    const { log, agent, parkBelow = 0 } = options
    if (parkBelow === 0 || !log.reopen) return
    const ids = (await log.list()).filter(id => isLogOf(id, `${logName(agent.id)}-`))
    for (const id of ids.reverse()) {
      const handle = await log.reopen(id)
      if (handle) return orGiveUp(handle, () => LogWriter.#goOnParked(options, handle))
    }
  }

  static async #goOnParked(options: LogWriterOptions, handle: LogHandle): Promise<LogWriter | undefined> {
    const left = await readLeftLog(handle, options)
    const writer = new LogWriter(options, handle, left)
    if (left && writer.#isParked(left)) return writer
    await handle.close({ finished: true })
  }

  static async #goOn(options: LogWriterOptions, handle: LogHandle): Promise<LogWriter | undefined> {
    const left = await readLeftLog(handle, options)
    if (!left) return void (await handle.close({ finished: false }))
    if (left.torn > 0) await handle.cut(left.bytes)
    const writer = new LogWriter(options, handle, left)
    if (left.closed) return void (await writer.#finish())
    if (writer.size === 0) return writer.#opened()
    if (writer.#isParked(left)) return writer
    const facts = { ...writer.#mode, cut: `${left.torn}`, unsigned: `${left.unsigned}` }
    return writer.#begin({ event: 'recovered', facts })
  }

  /** Given up in good order, not full, and written as it would be now. */
  #isParked({ closed, torn, noted, mode }: LeftLog): boolean {
    const { batch, checkpoint } = this.#mode
    const goesOn = this.size > 0 && this.size < (this.#options.parkBelow ?? 0)
    return goesOn && !closed && torn === 0 && noted === this.size && mode.batch === batch && mode.checkpoint === checkpoint
  }

  /** The process ended between the closing record and its checkpoint. */
  async #finish(): Promise<void> {
    await this.checkpoint()
    await this.#handle.close({ finished: true })
  }

  /** The newest record that is durable. */
  get head(): LogHead | undefined {
    return this.#durable
  }

  /** How many records it has. */
  get size(): number {
    return this.#tree.size
  }

  /** Why it is stopped, where it is. */
  get stopped(): SigningError | undefined {
    return this.#stopped
  }

  /** The newest checkpoint, a signed note; empty before the first. */
  get checkpointNote(): string {
    return this.#note
  }

  /**
   * Chains, signs and appends a record.
   * @throws SigningError where it cannot be signed, or the log is stopped or closed
   */
  append(draft: RecordDraft, options: AppendOptions = {}): WrittenRecord {
    if (this.#stopped) throw again(this.#stopped)
    if (this.#ended) throw isClosed(this.id)
    try {
      return this.#append(draft, options)
    } catch (error) {
      throw this.#stop(error)
    }
  }

  /** Signs a checkpoint of what stands there now, unless there is one. Resolves to the note when it is durable. */
  async checkpoint(): Promise<string> {
    if (this.#stopped) throw again(this.#stopped)
    const line = this.#checkpointIfDue(this.#tree.size)
    if (line) await this.#write(Buffer.from(line))
    return this.#note
  }

  /** Goes over to another key, by a record that both sign. */
  async rotate(signer: RecordSigner): Promise<void> {
    const event = logEvent({ event: 'rotated', facts: { key: signer.id } })
    const rotated = this.append(this.#own(event), { sign: true, cosigner: signer })
    this.#signer = signer
    this.#frame = recordFrame({ agent: this.#options.agent.id, key: signer.id, log: this.id })
    await rotated.durable
  }

  /** Writes the closing record and a checkpoint, and gives the log up. A log that was stopped is left to be recovered. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /**
   * Gives the log up without closing it, under a checkpoint of all that stands in it: the next writer with `parkBelow` goes on with it.
   * @throws SigningError where the checkpoint cannot be written; then the log is left to be recovered
   */
  park(): Promise<void> {
    const isFull = this.size >= (this.#options.parkBelow ?? 0)
    this.#closing ??= isFull || this.#stopped ? this.#close() : this.#park()
    return this.#closing
  }

  async #park(): Promise<void> {
    this.#ended = true
    await orGiveUp(this.#handle, () => this.checkpoint())
    this.#stopped ??= isClosed(this.id)
    await this.#handle.close({ finished: true })
  }

  async #close(): Promise<void> {
    this.#disarm?.()
    const failed = this.#stopped
    if (!failed) await this.#last()
    this.#stopped ??= isClosed(this.id)
    await this.#handle.close({ finished: failed === undefined })
  }

  async #last(): Promise<void> {
    const facts = { records: `${this.#tree.size + 1}` }
    const closed = this.append(this.#own(logEvent({ event: 'closed', facts })), { sign: true })
    this.#ended = true
    await closed.durable
    await this.checkpoint()
  }

  #opened(): Promise<LogWriter> {
    const { agent, parent } = this.#options
    return this.#begin({
      event: 'opened',
      facts: { ...this.#mode, agent: label(agent.id), name: label(agent.name), type: label(agent.type), ...linkOf(parent) },
    })
  }

  async #begin(event: LogEvent): Promise<LogWriter> {
    await this.append(this.#own(logEvent(event)), { sign: true }).durable
    return this
  }

  get #mode(): LogEvent['facts'] {
    return { checkpoint: `${this.#every}`, batch: this.#batchMs > 0 ? 'yes' : 'no' }
  }

  #own({ ctx, human }: { readonly ctx: string; readonly human: string }): RecordDraft {
    return { ctx, human, action: this.id, kind: 'log', phase: 'note', policy: null }
  }

  #append(draft: RecordDraft, { sign = this.#batchMs === 0, cosigner }: AppendOptions): WrittenRecord {
    const { clock } = this.#options
    const seq = this.#tree.size
    const body = recordBody(this.#frame, { seq, prev: this.#leaf, at: clock.now(), mono: rounded(clock.monotonic()) }, draft)
    const { encoded, leaf } = this.#page.seal(body)
    const sig = sign ? signatureOf(encoded, this.#signer) : undefined
    const cosig = cosigner && { key: cosigner.id, sig: signatureOf(encoded, cosigner) }
    this.#tree.append(leaf)
    this.#leaf = leaf
    const checkpoint = (seq + 1) % this.#every === 0 ? this.#checkpointIfDue(seq + 1) : ''
    if (sig === undefined && checkpoint === '') this.#arm()
    const durable = this.#write(this.#page.line(`${recordEnd(sig, cosig)}\n${checkpoint}`), { log: this.id, seq, leaf })
    return new Written(seq, body, leaf, sig, durable)
  }

  #write(lines: Uint8Array, head?: LogHead): Promise<void> | undefined {
    const written = this.#handle.append(lines)
    if (!written) return void this.#isDurable(head)
    return written.then(
      () => this.#isDurable(head),
      error => {
        throw this.#stop(error)
      },
    )
  }

  #isDurable(head: LogHead | undefined): void {
    if (head) this.#durable = head
  }

  /** The line of a checkpoint of this size; empty where there is one. */
  #checkpointIfDue(size: number): string {
    if (size === this.#noted) return ''
    this.#disarm?.()
    this.#disarm = undefined
    this.#note = signCheckpoint({ log: this.id, size, root: this.#tree.root() }, this.#signer)
    this.#noted = size
    return `${checkpointLine(this.#note)}\n`
  }

  /** A batch begins: its tree head is due. */
  #arm(): void {
    this.#disarm ??= this.#options.clock.after(this.#batchMs, () => {
      this.#disarm = undefined
      this.checkpoint().catch(error => this.#options.onFailure?.(error))
    })
  }

  #stop(error: unknown): SigningError {
    this.#disarm?.()
    this.#stopped ??= error instanceof SigningError ? error : new SigningError('the record could not be signed; see cause', {}, error)
    return this.#stopped
  }
}

/** Of what was signed it keeps the text: few ask for the bytes again. */
class Written implements WrittenRecord {
  constructor(
    readonly seq: number,
    readonly body: string,
    readonly leaf: string,
    readonly sig: string | undefined,
    readonly durable: Promise<void> | undefined,
  ) {}

  get encoded(): Uint8Array {
    return sealRecord(this.body).encoded
  }
}

/** A fresh error for each refusal: one object that is thrown for ever gathers the stack of the first alone. */
function again(stopped: SigningError): SigningError {
  return new SigningError(stopped.message, { ...stopped.facts }, stopped)
}

/** A signer may be anything, in hardware too: what is no signature would be found only when it is verified. */
function signatureOf(encoded: Uint8Array, signer: RecordSigner): string {
  const signature = signer.sign(encoded)
  if (signature?.length !== 64) throw new TypeError('the signer gave no signature of 64 bytes')
  return encodeBase64(signature)
}

const isClosed = (log: string): SigningError => new SigningError(`the log ${log} is closed`)

/** A log that could not be begun is held by nobody. */
async function orGiveUp<T>(handle: LogHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await handle.close({ finished: false })
    throw error
  }
}

/** Microseconds are enough, and short. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000

function linkOf(parent: LogHead | undefined): LogEvent['facts'] {
  return parent ? { parent: parent.log, seq: `${parent.seq}`, leaf: parent.leaf } : {}
}
