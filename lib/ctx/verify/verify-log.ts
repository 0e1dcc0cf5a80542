import type { CTXStatement } from '../language/ast.js'
import { decodeBase64 } from '../base64-strict.js'
import { isPlainNote, type LogCheckpoint, openCheckpoint } from '../log/log-checkpoint.js'
import { human } from '../targets/emitters/human.js'
import { countIn, type LogEvent, readLogEvent } from '../log/log-event.js'
import { type RawLine, readLine, type ReadRecord } from '../log/log-reader.js'
import type { LogHead } from '../log/log-writer.js'
import { CTXParser } from '../language/parser.js'
import { noLeaf, type RecordBody, sealRecord } from '../record/record.js'
import { serialize } from '../language/serializer.js'
import { TreeFrontier } from '../tree/tree-frontier.js'
import type { TrustedKey, TrustedKeys } from '../keys/trusted-keys.js'

/** What is wrong, as a word to switch on. */
export type ProblemWord =
  | 'unreadable'
  | 'signature'
  | 'unsigned'
  | 'key'
  | 'revoked'
  | 'statement'
  | 'translation'
  | 'log'
  | 'sequence'
  | 'chain'
  | 'start'
  | 'after-close'
  | 'checkpoint'
  | 'torn'
  | 'missing'
  | 'anchor'
  | 'split'
  | 'parent'

/** One thing that is wrong, and where. */
export interface Problem {
  /** The log; empty where it is about what was given from outside. */
  readonly log: string
  /** From 1. */
  readonly line?: number
  readonly seq?: number
  readonly why: ProblemWord
  /** For people. Holds no content. */
  readonly says: string
}

/**
 * `ok`: nothing is wrong, and a checkpoint from outside proves that nothing was cut off. `unanchored`: nothing wrong was seen, but nothing from
 * outside proves the end. `bad`: see the problems.
 */
export type Verdict = 'ok' | 'bad' | 'unanchored'

/** Records that no signature covered when their writer's process ended. A recovery has signed what it found. */
export interface UnsignedRecords {
  readonly from: number
  readonly to: number
  readonly recovered: boolean
}

/** What the verification of one log came to. */
export interface LogReport {
  readonly log: string
  readonly verdict: Verdict
  readonly records: number
  /** The first hundred. */
  readonly problems: readonly Problem[]
  /** Its writer has closed it. */
  readonly closed: boolean
  /** Bytes of a last line that was not finished. */
  readonly torn: number
  readonly unsigned: readonly UnsignedRecords[]
  /** The log of the agent that spawned this one; `found`: it is there, and the record is as this log says. */
  readonly parent?: LogHead & { readonly found: boolean }
  /** The newest checkpoint, a signed note: keep it outside. */
  readonly checkpoint?: string
}

/** What is known of a log from elsewhere. */
export interface LogKnowledge {
  readonly keys: TrustedKeys
  /** Checkpoints of this log that were kept outside. */
  readonly anchors: readonly LogCheckpoint[]
  /** Leaf hashes that children name, by number. */
  readonly named: ReadonlyMap<number, readonly string[]>
  readonly state: 'open' | 'left' | 'done'
}

const most = 100

/** How many signatures are checked at once, and their records held: some 256 kB. */
const mostAtOnce = 256

/** Checks one log, line by line. Never throws, whatever the bytes. `report` holds all once it has `settled`. */
export class LogVerifier {
  readonly #log: string
  readonly #known: LogKnowledge
  readonly #parser = new CTXParser()
  readonly #tree = new TreeFrontier()
  readonly #problems: Problem[] = []
  readonly #unsigned: UnsignedRecords[] = []
  /** Signatures that are being checked, the oldest first. */
  readonly #checking: Promise<void>[] = []
  /** What children name and the log has. */
  readonly #confirmed = new Set<string>()
  #leaf: string | undefined = noLeaf
  /** The number that the next record must have. */
  #due = 0
  #key: TrustedKey | undefined
  #batch = false
  #every = 0
  #pending = 0
  #closed = false
  #torn = 0
  #noted = -1
  #note: string | undefined
  #checkpointDue = false
  /** Tree heads mean nothing any more: a line is lost. */
  #lost = false
  #parent: LogHead | undefined
  #line = 0

  constructor(log: string, known: LogKnowledge) {
    this.#log = log
    this.#known = known
  }

  take(raw: RawLine): void {
    this.#line = raw.line
    if (raw.whole) this.#take(readLine(raw))
    else this.#tear(raw)
  }

  #take(line: ReturnType<typeof readLine>): void {
    if (line.type === 'checkpoint') this.#checkpoint(line.note)
    else if (line.type === 'record') this.#record(line)
    else this.#skip(line.says)
  }

  get isBad(): boolean {
    return this.#problems.length > 0
  }

  /** Waits where many signatures are still being checked, so that few lines are held. */
  paced(): Promise<void> | undefined {
    return this.#checking.length >= mostAtOnce ? this.#checking.shift() : undefined
  }

  /** Every signature is checked. */
  async settled(): Promise<void> {
    await Promise.all(this.#checking)
    this.#problems.sort((a, b) => (a.line ?? Number.POSITIVE_INFINITY) - (b.line ?? Number.POSITIVE_INFINITY))
  }

  /** The log could not be read to its end. */
  unreadable(says: string): void {
    this.#wrong('unreadable', says)
  }

  report(): LogReport {
    this.#line = 0
    this.#end()
    const parent = this.#parent
    return {
      log: this.#log,
      verdict: this.#verdict(),
      records: this.#tree.size,
      problems: this.#problems,
      closed: this.#closed,
      torn: this.#torn,
      unsigned: this.#unsigned,
      ...(parent ? { parent: { ...parent, found: false } } : {}),
      ...(this.#note === undefined ? {} : { checkpoint: this.#note }),
    }
  }

  /** Has the log the record that a child names, as it names it? */
  confirms(link: LogHead): boolean {
    return this.#confirmed.has(`${link.seq} ${link.leaf}`)
  }

  #verdict(): Verdict {
    if (this.#problems.length > 0) return 'bad'
    const { anchors, keys } = this.#known
    // Who has stolen a key can close a log: where one was revoked, the closing record proves nothing.
    const isEnded = anchors.length > 0 && this.#closed && !keys.hasRevoked(this.#log)
    return isEnded || anchors.some(({ size }) => size === this.#tree.size) ? 'ok' : 'unanchored'
  }

  #wrong(why: ProblemWord, says: string, seq?: number, line: number = this.#line): void {
    if (this.#problems.length >= most) return
    const place = line > 0 ? { line } : {}
    this.#problems.push({ log: this.#log, ...place, ...(seq === undefined ? {} : { seq }), why, says })
  }

  /** A line that cannot be read stood where a record was due. */
  #skip(says: string): void {
    this.#wrong('unreadable', `the line ${says}`)
    this.#leaf = undefined
    this.#lost = true
    this.#due++
  }

  #tear({ bytes }: RawLine): void {
    this.#torn = bytes.length
    if (this.#known.state === 'done')
      this.#wrong('torn', 'the last line is not whole, and no crash has left it: the log was given up in good order')
  }

  #record(line: ReadRecord): void {
    const { body, text } = line
    const sealed = sealRecord(text)
    const statement = this.#statement(line)
    const event = statement && body.kind === 'log' ? readLogEvent(statement) : undefined
    this.#place(line, event)
    this.#signature(line, sealed.encoded)
    this.#leaf = sealed.leaf
    this.#due = body.seq + 1
    this.#tree.append(sealed.leaf)
    this.#compare(body.seq, sealed.leaf)
    if (event) this.#follow(event, line, sealed.encoded)
    this.#checkpointDue = this.#every > 0 && this.#tree.size % this.#every === 0
  }

  /** Its log, its number, the record before it, and what may stand there at all. */
  #place({ body }: ReadRecord, event: LogEvent | undefined): void {
    const { seq } = body
    if (body.log !== this.#log) this.#wrong('log', `the record is of another log, ${JSON.stringify(body.log)}`, seq)
    if (seq !== this.#due) {
      this.#wrong('sequence', `record ${seq} stands where record ${this.#due} was due`, seq)
      this.#lost = true
    } else if (this.#leaf !== undefined && body.prev !== this.#leaf) this.#wrong('chain', 'it does not follow the record before it', seq)
    const isFirst = this.#line === 1
    if (isFirst !== (event?.event === 'opened')) this.#wrong('start', isFirst ? 'a log begins with its opening' : 'a second opening', seq)
    if (this.#closed) this.#wrong('after-close', 'it stands behind the closing record', seq)
    if (this.#checkpointDue && event?.event !== 'recovered') this.#wrong('checkpoint', 'a checkpoint was due before it', seq)
  }

  #signature({ body, sig }: ReadRecord, encoded: Uint8Array): void {
    const { keys } = this.#known
    const key = keys.find(body.key)
    this.#key ??= key
    if (!key) this.#wrong('key', 'the key is not one of those that are trusted', body.seq)
    else if (key !== this.#key) this.#wrong('key', 'the key is not the one in force', body.seq)
    if (key && keys.isRevoked(key, this.#log, body.seq)) this.#wrong('revoked', 'the key was revoked before it', body.seq)
    if (sig === undefined) this.#withoutSignature(body)
    else this.#signed(key, sig, encoded, body.seq)
  }

  /** A signature covers the records before it too, by the chain. A key that is not trusted is reported as that: its signature says nothing. */
  #signed(key: TrustedKey | undefined, sig: string, encoded: Uint8Array, seq: number): void {
    this.#pending = 0
    const bytes = decodeBase64(sig)
    if (!key) return
    const line = this.#line
    const judge = (isGood: boolean): void => {
      if (!isGood) this.#wrong('signature', 'the signature is not good', seq, line)
    }
    if (bytes) this.#checking.push(key.check(encoded, bytes).then(judge))
    else judge(false)
  }

  /** What happens to the log itself is always signed: nobody without the key may close a log, or go on with one. */
  #withoutSignature({ seq, kind }: RecordBody): void {
    if (this.#batch && kind !== 'log') this.#pending++
    else this.#wrong('unsigned', 'it carries no signature', seq)
  }

  /** The statement, where it is one and the sentence is what the compiler makes of it. */
  #statement({ body }: ReadRecord): CTXStatement | undefined {
    const read = this.#parsed(body.ctx)
    if (!read) return void this.#wrong('statement', 'it is not a statement in canonical form', body.seq)
    if (read.sentence !== body.human) this.#wrong('translation', 'the sentence is not the translation of the statement', body.seq)
    return read.statement
  }

  #parsed(ctx: string): { readonly statement: CTXStatement; readonly sentence: string } | undefined {
    try {
      const statement = this.#parser.parse(ctx)
      return serialize(statement) === ctx ? { statement, sentence: human(statement) } : undefined
    } catch {
      return undefined
    }
  }

  #follow({ event, facts }: LogEvent, line: ReadRecord, encoded: Uint8Array): void {
    if (event === 'opened') this.#parent = linkIn(facts)
    if (event === 'recovered') this.#recovered(line.body.seq, countIn(facts, 'unsigned'))
    if (event === 'opened' || event === 'recovered') {
      this.#batch = facts.batch === 'yes'
      this.#every = countIn(facts, 'checkpoint')
    }
    if (event === 'rotated') this.#rotate(facts.key ?? '', line, encoded)
    if (event === 'closed') this.#closed = true
  }

  /** What had no signature when the process ended is signed by the recovery as it was found: that is said, not judged. */
  #recovered(seq: number, unsigned: number): void {
    if (unsigned > 0) this.#unsigned.push({ from: seq - unsigned, to: seq - 1, recovered: true })
  }

  #rotate(keyId: string, { body, cosig }: ReadRecord, encoded: Uint8Array): void {
    const next = this.#known.keys.find(keyId)
    const bytes = cosig?.key === keyId ? decodeBase64(cosig.sig) : undefined
    if (!next) this.#wrong('key', 'the key that it goes over to is not one of those that are trusted', body.seq)
    else if (!bytes || !next.verify(encoded, bytes)) this.#wrong('signature', 'the key that it goes over to has not signed it', body.seq)
    else this.#key = next
  }

  #compare(seq: number, leaf: string): void {
    const { anchors, named } = this.#known
    if (named.get(seq)?.includes(leaf)) this.#confirmed.add(`${seq} ${leaf}`)
    for (const anchor of anchors)
      if (anchor.size === this.#tree.size && anchor.root !== this.#tree.root())
        this.#wrong('anchor', `the first ${anchor.size} records are not those of the checkpoint that was kept outside`)
  }

  #checkpoint(note: string): void {
    this.#checkpointDue = false
    const { size } = this.#tree
    const checkpoint = this.#key && isPlainNote(note) ? openCheckpoint(note, this.#key.publicKey, this.#key.verify) : undefined
    if (checkpoint?.log !== this.#log) this.#wrong('checkpoint', 'the checkpoint is not one of this log, signed by its key')
    else if (this.#noted === size) this.#wrong('checkpoint', 'a second checkpoint of the same records')
    else if (!this.#lost && (checkpoint.size !== size || checkpoint.root !== this.#tree.root()))
      this.#wrong('checkpoint', 'the checkpoint is not of the records before it')
    else this.#note = note
    this.#noted = size
    this.#pending = 0
  }

  #end(): void {
    const { anchors, state } = this.#known
    const { size } = this.#tree
    const most = Math.max(0, ...anchors.map(anchor => anchor.size))
    if (most > size) this.#wrong('missing', `a checkpoint that was kept outside is of ${most} records; ${size} are left`)
    if (this.#pending > 0) this.#withoutHead(size)
    if (this.#closed && state === 'done' && this.#noted !== size)
      this.#wrong('checkpoint', 'the last checkpoint is missing: the log was closed')
  }

  /** Records at the end without a tree head: a crash leaves them so, good order does not. */
  #withoutHead(size: number): void {
    this.#unsigned.push({ from: size - this.#pending, to: size - 1, recovered: false })
    const isProved = this.#known.anchors.some(anchor => anchor.size === size)
    if (this.#known.state === 'done' && !isProved) this.#wrong('unsigned', `the last ${this.#pending} records carry no signature`)
  }
}

function linkIn({ parent, seq, leaf }: LogEvent['facts']): LogHead | undefined {
  if (parent === undefined || leaf === undefined || !/^\d{1,15}$/.test(seq ?? '')) return
  return { log: parent, seq: Number(seq), leaf }
}
