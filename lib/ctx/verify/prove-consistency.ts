import type { LogCheckpoint } from '../log/log-checkpoint.js'
import { fileLog } from '../log/log-file.js'
import { headOf, known, otherRecords, walk, Way } from './proof-walk.js'
import type { RecordLog } from '../log/record-log.js'
import { TreePath } from '../tree/tree-path.js'

/** The `type` of a {@link ConsistencyProof}. */
export const consistencyProofType = 'application/vnd.outrigger.consistency-proof.v1+json'

/** Proves that a log has only grown between two of its checkpoints. Plain JSON. */
export interface ConsistencyProof {
  readonly type: typeof consistencyProofType
  /** A signed note. */
  readonly older: string
  /** A signed note. */
  readonly newer: string
  /** Hashes, hex (RFC 6962). */
  readonly path: readonly string[]
}

/** Options of {@link proveConsistency}. */
export interface ProveConsistencyOptions {
  /** A checkpoint that was kept. */
  readonly older: string
  /** A checkpoint of the same log. Default: the newest in the log. */
  readonly newer?: string | undefined
}

/**
 * Proves that the records of an older checkpoint are the beginning of those of a newer one: nothing was changed, put in or taken out meanwhile.
 * Reads the log once, a line at a time.
 *
 * @param where - the folder that holds `log/`, or where else the logs are kept
 * @throws TypeError or RangeError where the two are no checkpoints of one log, or the newer one is of fewer records
 * @throws SigningError where the log cannot be read, or is not the one of the checkpoints
 */
export async function proveConsistency(where: string | RecordLog, options: ProveConsistencyOptions): Promise<ConsistencyProof> {
  const { older, newer } = known('proveConsistency', options, ['older', 'newer'])
  const first = headOf('proveConsistency', 'older', older)
  if (first.size === 0) throw new RangeError('proveConsistency: older is of no records; there is nothing to prove')
  if (newer !== undefined) checkNewer(first, headOf('proveConsistency', 'newer', newer))
  const logs = typeof where === 'string' ? fileLog({ dir: where }) : where
  const tree = new TreePath()
  const way = new Way(first.log, newer, () => tree.size >= first.size)
  let edge: readonly string[] = []
  await walk(logs, first.log, tree, way, undefined, () => {
    if (tree.size !== first.size) return
    if (tree.root() !== first.root) throw otherRecords(first)
    edge = tree.followEdge()
  })
  const { path, note, size } = way.end(tree.size, `the ${first.size} records of older`)
  return { type: consistencyProofType, older, newer: note, path: size === first.size ? [] : [...edge, ...path] }
}

function checkNewer(older: LogCheckpoint, newer: LogCheckpoint): void {
  if (older.log !== newer.log) throw new RangeError('proveConsistency: older and newer are checkpoints of two logs')
  if (older.size > newer.size) throw new RangeError(`proveConsistency: older is of ${older.size} records, newer of ${newer.size}`)
}
