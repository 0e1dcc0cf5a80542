import { type LogCheckpoint, openCheckpoint, splitNotes } from './log-checkpoint.js'
import { fileLog } from './log-file.js'
import { readLogEvent, countIn } from './log-event.js'
import { linesOf, readLine } from './log-reader.js'
import type { LogHead } from './log-writer.js'
import { CTXParser } from './parser.js'
import type { RecordLog } from './record-log.js'
import { type RevokedKey, TrustedKeys } from './trusted-keys.js'
import { type LogReport, LogVerifier, type Problem, type Verdict } from './verify-log.js'

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
  /** The worst of all logs; `unanchored` where there is none. */
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
  const log = typeof where === 'string' ? fileLog({ dir: where }) : where
  const { publicKey, checkpoint = [], revoked } = options
  const keys = new TrustedKeys(typeof publicKey === 'string' || publicKey instanceof Uint8Array ? [publicKey] : publicKey, revoked)
  const anchors = readAnchors(typeof checkpoint === 'string' ? [checkpoint] : checkpoint, keys)
  const ids = await idsOf(log, options.logs)
  const links = await linksOf(log, ids)
  const reports: LogReport[] = []
  const verifiers = new Map<string, LogVerifier>()
  for (const id of ids) {
    const verifier = await verifierOf(log, id, { keys, anchors: anchors.of(id), named: namedIn(links, id) })
    verifiers.set(id, verifier)
    reports.push(verifier.report())
  }
  const logs = reports.map(report => withParent(report, verifiers))
  const problems = [...anchors.problems, ...anchors.withoutLog(ids), ...logs.flatMap(report => report.problems)]
  return { verdict: worst(logs, problems), records: logs.reduce((sum, { records }) => sum + records, 0), logs, problems }
}

type Knowledge = Omit<ConstructorParameters<typeof LogVerifier>[1], 'state'>

async function verifierOf(log: RecordLog, id: string, known: Knowledge): Promise<LogVerifier> {
  const state = await log.state(id).catch(() => 'done' as const)
  const verifier = new LogVerifier(id, { ...known, state })
  try {
    for await (const raw of linesOf(log.read(id))) {
      verifier.take(raw)
      const full = verifier.paced()
      if (full) await full
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

/** A child's link must lead to the record that it names, where the parent's log is there. */
function withParent(report: LogReport, verifiers: ReadonlyMap<string, LogVerifier>): LogReport {
  const { parent } = report
  const verifier = parent && verifiers.get(parent.log)
  if (!verifier) return report
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
    const opened = keys.all.map(({ publicKey }) => openCheckpoint(note, publicKey)).find(Boolean)
    if (opened) this.#byLog.set(opened.log, [...this.of(opened.log), opened])
    else this.problems.push({ log: '', why: 'anchor', says: 'a checkpoint that was given is not one of a log, signed by a trusted key' })
  }

  of(log: string): readonly LogCheckpoint[] {
    return this.#byLog.get(log) ?? []
  }

  withoutLog(ids: readonly string[]): readonly Problem[] {
    const lost = [...this.#byLog.keys()].filter(log => !ids.includes(log))
    return lost.map(log => ({ log, why: 'missing', says: 'the log of a checkpoint that was kept outside is not there' }))
  }
}

function readAnchors(texts: readonly string[], keys: TrustedKeys): Anchors {
  const anchors = new Anchors()
  for (const note of texts.flatMap(splitNotes)) anchors.add(note, keys)
  return anchors
}
