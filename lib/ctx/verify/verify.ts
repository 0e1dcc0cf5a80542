import { type LogCheckpoint, openCheckpoint, splitNotes } from '../log/log-checkpoint.js'
import { fileLog } from '../log/log-file.js'
import { readLogEvent, countIn } from '../log/log-event.js'
import { linesOf, readLine } from '../log/log-reader.js'
import type { LogHead } from '../log/log-writer.js'
import { CTXParser } from '../language/parser.js'
import type { RecordLog } from '../log/record-log.js'
import { type RevokedKey, type TrustedKey, TrustedKeys } from '../keys/trusted-keys.js'
import { type LogReport, LogVerifier, type Problem, type ProblemWord, type Verdict } from './verify-log.js'

/** Options of {@link verifyLogs}. */
export interface VerifyOptions {
  /** The keys whose signatures count. They come from configuration: a key that a record names proves nothing. */
  readonly publicKey: Uint8Array | string | readonly (Uint8Array | string)[]
  /** Checkpoints that were kept outside, each a signed note; a text may hold several. Without them the end of a log proves nothing. */
  readonly checkpoint?: string | readonly string[] | undefined
  /** Only the logs of these ids. Default: all. */
  readonly logs?: readonly string[] | undefined
  /** Keys that were revoked, and from which record on. */
  readonly revoked?: readonly RevokedKey[] | undefined
}

/** What a verification came to. */
export interface Verification {
  /** The worst of all logs; `unanchored` where there is none, or the log of a parent is not there. */
  readonly verdict: Verdict
  readonly records: number
  readonly logs: readonly LogReport[]
  /** Of all logs, and of the checkpoints that were given. */
  readonly problems: readonly Problem[]
}

/**
 * Verifies logs, record by record: the signature by a key of the configuration, the digest, the statement translated again and compared with the
 * sentence, chain, numbers, tree and checkpoints, and the link of a child's log to its parent's. Whatever the bytes are, it answers.
 *
 * @param where - the folder that holds `log/`, or where else the logs are kept
 * @throws TypeError where a public key is none
 */
export async function verifyLogs(where: string | RecordLog, options: VerifyOptions): Promise<Verification> {
  const { publicKey, revoked } = options
  const keys = new TrustedKeys(typeof publicKey === 'string' || publicKey instanceof Uint8Array ? [publicKey] : publicKey, revoked)
  return verifyWith(typeof where === 'string' ? fileLog({ dir: where }) : where, keys, options)
}

/** `verifyLogs` by keys that are read already. With `untilBad`, no log is read on behind its first problem: the verdict is the same. */
export async function verifyWith(
  log: RecordLog,
  keys: TrustedKeys,
  { checkpoint = [], logs: only, untilBad = false }: Pick<VerifyOptions, 'checkpoint' | 'logs'> & { readonly untilBad?: boolean },
): Promise<Verification> {
  const anchors = readAnchors(typeof checkpoint === 'string' ? [checkpoint] : checkpoint, keys)
  const ids = await idsOf(log, only)
  const links = await linksOf(log, ids)
  const reports: LogReport[] = []
  const verifiers = new Map<string, LogVerifier>()
  for (const id of ids) {
    const verifier = await verifierOf(log, id, { keys, anchors: anchors.of(id), named: namedIn(links, id) }, untilBad)
    verifiers.set(id, verifier)
    reports.push(verifier.report())
  }
  const logs = reports.map(report => withParent(report, verifiers, only === undefined))
  const problems = [...anchors.problems, ...anchors.withoutLog(ids), ...logs.flatMap(report => report.problems)]
  return { verdict: worst(logs, problems), records: logs.reduce((sum, { records }) => sum + records, 0), logs, problems }
}

type Knowledge = Omit<ConstructorParameters<typeof LogVerifier>[1], 'state'>

async function verifierOf(log: RecordLog, id: string, known: Knowledge, untilBad: boolean): Promise<LogVerifier> {
  const state = await log.state(id).catch(() => 'done' as const)
  const verifier = new LogVerifier(id, { ...known, state })
  try {
    for await (const raw of linesOf(log.read(id))) {
      verifier.take(raw)
      const full = verifier.paced()
      if (full) await full
      if (untilBad && verifier.isBad) break
    }
  } catch (error) {
    verifier.unreadable(`the log cannot be read: ${(error as { facts?: { errno?: string } }).facts?.errno ?? 'see the file'}`)
  }
  await verifier.settled()
  return verifier
}

async function idsOf(log: RecordLog, only: readonly string[] | undefined): Promise<readonly string[]> {
  if (only) return only
  return log.list().catch(() => [])
}

interface Link extends LogHead {
  readonly child: string
}

/** What the first line of each log says of its parent. */
async function linksOf(log: RecordLog, ids: readonly string[]): Promise<readonly Link[]> {
  const links: Link[] = []
  for (const child of ids) {
    const link = await parentOf(log, child)
    if (link) links.push({ ...link, child })
  }
  return links
}

async function parentOf(log: RecordLog, id: string): Promise<LogHead | undefined> {
  try {
    for await (const raw of linesOf(log.read(id))) {
      const line = readLine(raw)
      const { parent, leaf, ...facts } = (line.type === 'record' && readLogEvent(new CTXParser().parse(line.body.ctx))?.facts) || {}
      return parent !== undefined && leaf !== undefined ? { log: parent, seq: countIn(facts, 'seq'), leaf } : undefined
    }
  } catch {
    return undefined
  }
}

function namedIn(links: readonly Link[], log: string): ReadonlyMap<number, readonly string[]> {
  const named = new Map<number, readonly string[]>()
  for (const { log: parent, seq, leaf } of links) if (parent === log) named.set(seq, [...(named.get(seq) ?? []), leaf])
  return named
}

/**
 * A child's link must lead to the record that it names. Where all logs were asked about and the parent's is not among them, it may be elsewhere, or
 * somebody has taken it away: the child is not sure then.
 */
function withParent(report: LogReport, verifiers: ReadonlyMap<string, LogVerifier>, isAll: boolean): LogReport {
  const { parent } = report
  if (!parent) return report
  const verifier = verifiers.get(parent.log)
  if (!verifier) return isAll && report.verdict === 'ok' ? { ...report, verdict: 'unanchored' } : report
  if (verifier.confirms(parent)) return { ...report, parent: { ...parent, found: true } }
  const says = `the log of the parent, ${parent.log}, has no such record ${parent.seq}`
  return { ...report, verdict: 'bad', problems: [...report.problems, { log: report.log, seq: 0, line: 1, why: 'parent', says }] }
}

function worst(logs: readonly LogReport[], problems: readonly Problem[]): Verdict {
  if (problems.length > 0) return 'bad'
  return logs.length > 0 && logs.every(({ verdict }) => verdict === 'ok') ? 'ok' : 'unanchored'
}

/** The checkpoints that were given, by the log that they are of. */
class Anchors {
  readonly problems: Problem[] = []
  readonly #byLog = new Map<string, LogCheckpoint[]>()

  add(note: string, keys: TrustedKeys): void {
    const opened = openAnchor(note, keys)
    if (!opened) this.#wrong('', 'anchor', 'a checkpoint that was given is not one of a log, signed by a trusted key')
    else if (keys.isRevoked(opened.key, opened.head.log, opened.head.size - 1))
      this.#wrong(opened.head.log, 'revoked', `the key of a checkpoint of ${opened.head.size} records was revoked before it`)
    else this.#keep(opened.head)
  }

  /** Two heads of one size: the holder of the key has shown different logs to different people. */
  #keep(head: LogCheckpoint): void {
    const others = this.of(head.log)
    if (others.some(({ size, root }) => size === head.size && root !== head.root))
      this.#wrong(head.log, 'split', `two checkpoints that were given are of ${head.size} records each, and not of the same ones`)
    this.#byLog.set(head.log, [...others, head])
  }

  #wrong(log: string, why: ProblemWord, says: string): void {
    this.problems.push({ log, why, says })
  }

  of(log: string): readonly LogCheckpoint[] {
    return this.#byLog.get(log) ?? []
  }

  withoutLog(ids: readonly string[]): readonly Problem[] {
    const lost = [...this.#byLog.keys()].filter(log => !ids.includes(log))
    return lost.map(log => ({ log, why: 'missing', says: 'the log of a checkpoint that was kept outside is not there' }))
  }
}

function openAnchor(note: string, keys: TrustedKeys): { readonly head: LogCheckpoint; readonly key: TrustedKey } | undefined {
  for (const key of keys.all) {
    const head = openCheckpoint(note, key.publicKey, key.verify)
    if (head) return { head, key }
  }
}

function readAnchors(texts: readonly string[], keys: TrustedKeys): Anchors {
  const anchors = new Anchors()
  for (const note of texts.flatMap(splitNotes)) anchors.add(note, keys)
  return anchors
}
