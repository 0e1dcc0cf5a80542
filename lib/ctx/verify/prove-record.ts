import { fileLog } from '../log/log-file.js'
import type { ReadRecord } from '../log/log-reader.js'
import { headOf, known, walk, Way } from './proof-walk.js'
import { digestOf, type SealedRecord } from '../record/record.js'
import type { RecordLog } from '../log/record-log.js'
import { TreePath } from '../tree/tree-path.js'

/** The `type` of a {@link RecordProof}. */
export const recordProofType = 'application/vnd.outrigger.record-proof.v1+json'

/** One record and what proves it, complete: a verifier needs the public key and nothing else. Plain JSON. */
export interface RecordProof {
  readonly type: typeof recordProofType
  /** The line of the record, as it stands in its log. */
  readonly record: string
  /** Its number. */
  readonly index: number
  /** Of how many records the checkpoint is. */
  readonly size: number
  /** The hashes beside its way up to the root, from the leaf, hex (RFC 6962). */
  readonly path: readonly string[]
  /** A signed note. */
  readonly checkpoint: string
}

/** Options of {@link proveRecord}. */
export interface ProveRecordOptions {
  /** The id of the log. Needed with `seq`; with `digest`, default: all logs are searched. */
  readonly log?: string | undefined
  /** The number of the record. */
  readonly seq?: number | undefined
  /** Its digest, hex, or the beginning of it: 8 digits at least. */
  readonly digest?: string | undefined
  /** The checkpoint to prove it to, a signed note. Default: the newest in the log. */
  readonly checkpoint?: string | undefined
}

/**
 * Proves that a record is in its log: its line, its path in the Merkle tree, and the checkpoint that the path leads to. So a record of a batch, which has
 * no signature of its own, can be proved by itself. Reads the log once, a line at a time.
 *
 * @param where - the folder that holds `log/`, or where else the logs are kept
 * @throws TypeError or RangeError for wrong options, and where there is no such record or more than one
 * @throws SigningError where the log cannot be read, is not whole up to there, or no checkpoint covers the record yet
 */
export async function proveRecord(where: string | RecordLog, options: ProveRecordOptions): Promise<RecordProof> {
  const { log, wanted, isWanted, checkpoint } = validated(options)
  const logs = typeof where === 'string' ? fileLog({ dir: where }) : where
  const prove = (id: string) => proveIn(logs, id, isWanted, checkpoint)
  const found = log === undefined ? await searched(await logs.list(), prove) : [await prove(log)].filter(proof => proof !== undefined)
  if (found.length === 0) throw new RangeError(`proveRecord: there is no ${wanted}`)
  if (found.length > 1) throw new RangeError(`proveRecord: there is more than one ${wanted}; give more of its digest`)
  return found[0]!
}

/** A log that is not whole does not keep a record of another from being proved. */
async function searched(ids: readonly string[], prove: (id: string) => Promise<RecordProof | undefined>): Promise<readonly RecordProof[]> {
  const found: RecordProof[] = []
  const failures: unknown[] = []
  for (const id of ids) {
    const proof = await prove(id).catch(error => void failures.push(error))
    if (proof) found.push(proof)
  }
  if (found.length === 0 && failures.length > 0) throw failures[0]
  return found
}

type IsWanted = (record: ReadRecord, sealed: SealedRecord) => boolean

async function proveIn(logs: RecordLog, id: string, isWanted: IsWanted, checkpoint: string | undefined): Promise<RecordProof | undefined> {
  const tree = new TreePath()
  let found: { readonly record: string; readonly index: number } | undefined
  const way = new Way(id, checkpoint, () => found !== undefined && found.index < tree.size)
  await walk(logs, id, tree, way, (record, sealed, text) => {
    if (!isWanted(record, sealed)) return
    if (found) throw new RangeError(`proveRecord: there is more than one such record in ${id}; give more of its digest`)
    found = { record: text, index: tree.size }
    tree.followNext()
  })
  if (!found) return undefined
  const { path, note, size } = way.end(tree.size, `record ${found.index}`)
  return { type: recordProofType, record: found.record, index: found.index, size, path, checkpoint: note }
}

function validated(options: ProveRecordOptions) {
  const { log, seq, digest, checkpoint } = known('proveRecord', options, ['log', 'seq', 'digest', 'checkpoint'])
  if (log !== undefined && typeof log !== 'string') throw new TypeError('proveRecord: log must be the id of a log')
  if (checkpoint !== undefined) headOf('proveRecord', 'checkpoint', checkpoint)
  if ((seq === undefined) === (digest === undefined)) throw new TypeError('proveRecord: give seq or digest, one of the two')
  if (digest !== undefined) return { log, checkpoint, wanted: `record of digest ${checkedDigest(digest)}`, isWanted: byDigest(digest) }
  if (!Number.isSafeInteger(seq) || seq! < 0) throw new RangeError(`proveRecord: seq must be a whole number from 0, got ${seq}`)
  if (log === undefined) throw new TypeError('proveRecord: with seq, log must say in which log')
  return { log, checkpoint, wanted: `record ${seq} in log ${log}`, isWanted: ({ body }: ReadRecord) => body.seq === seq }
}

function checkedDigest(digest: unknown): string {
  if (typeof digest === 'string' && /^[0-9a-f]{8,64}$/.test(digest)) return digest
  throw new TypeError('proveRecord: digest must be the SHA-256 of a record, hex, or the first 8 digits of it or more')
}

const byDigest =
  (digest: string): IsWanted =>
  (_record, sealed) =>
    digestOf(sealed).startsWith(digest)
