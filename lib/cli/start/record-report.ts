import { type Verdict, verifyLogs } from '../../ctx/index.js'
import type { Governed } from './team.js'

/** What the verification of the whole record came to. */
export interface RecordReport {
  readonly records: number
  readonly verdict: Verdict
}

/**
 * Verifies the record of all agents: each log against what its own sidecar remembers of its end, and all together, where each child's log must
 * lead to a record of its parent's.
 */
export async function verified(dir: string, sidecars: readonly Governed[]): Promise<RecordReport> {
  const publicKey = sidecars.map(sidecar => sidecar.publicKey)
  const together = await verifyLogs(dir, { publicKey })
  const alone = await Promise.all(sidecars.map(sidecar => sidecar.verify()))
  const verdicts = alone.map(({ verdict }) => verdict)
  const verdict =
    together.verdict === 'bad' || verdicts.includes('bad') ? 'bad' : verdicts.every(word => word === 'ok') ? 'ok' : 'unanchored'
  return { records: alone.reduce((sum, { records }) => sum + records, 0), verdict }
}
