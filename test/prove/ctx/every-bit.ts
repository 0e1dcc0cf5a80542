import { memoryLog } from '../../../lib/ctx/log/log-memory.js'
import { LogWriter } from '../../../lib/ctx/log/log-writer.js'
import type { RecordDraft } from '../../../lib/ctx/record/record.js'
import { verifyWith } from '../../../lib/ctx/verify/verify.js'
import { VirtualClock } from '../../../lib/testing/virtual-clock.js'
import { agent, bytesOf, draft, holding, signer } from '../../ctx/log-rig.js'
import { RememberingKeys } from '../../ctx/remembering-keys.js'
import type { Proof } from '../proof.js'

const records = 50
const hash = 'a1'.repeat(32)
const usage = { input: 812, output: 90, cacheRead: 5, cacheWrite5m: 0, cacheWrite1h: 0, certainty: 'measured' }

/** What a record can hold, turn by turn. */
const kinds: readonly Partial<RecordDraft>[] = [
  { phase: 'intent', kind: 'model', policy: hash },
  {
    phase: 'outcome',
    kind: 'model',
    policy: hash,
    ledger: 'team',
    wire: [hash],
    outcome: { status: 'done', attempts: 1, usage, nanoUsd: 1_262 },
  },
  { phase: 'intent', kind: 'tool' },
  { phase: 'outcome', kind: 'tool', outcome: { status: 'refused', error: 'ERR_VIOLATION', layer: 'withViolations' } },
  { phase: 'note', kind: 'statement' },
]

async function written() {
  const log = memoryLog()
  const clock = new VirtualClock()
  const writer = await LogWriter.open({ log, agent, signer, clock, checkpointEvery: 16 })
  for (let n = 0; n < records - 2; n++) {
    await clock.advance(7)
    writer.append(draft(n, kinds[n % kinds.length]))
  }
  await writer.close()
  return { id: writer.id, checkpoint: writer.checkpointNote, bytes: await bytesOf(log, writer.id) }
}

/** Where the lines of records begin and end, the newline included: first three of them that differ, then the others. */
function recordsIn(bytes: Buffer): readonly { readonly start: number; readonly end: number }[] {
  const lines: { start: number; end: number }[] = []
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    end = bytes.indexOf(10, start) + 1
    if (bytes.toString('utf8', start, start + 7) === '{"body"') lines.push({ start, end })
  }
  const first = [0, 2, 9]
  return [...first.map(seq => lines[seq]!), ...lines.filter((_line, seq) => !first.includes(seq))]
}

/** Every bit, in turn, with a checkpoint from outside and without one: `n` bits, and on to the end of the record. */
export const proof: Proof = {
  group: 'ctx',
  name: 'every flip of a bit of a record, in a log of 50, is found',
  full: 200_000,
  small: 10_000,
  async run({ n }) {
    const { id, bytes, checkpoint } = await written()
    const keys = new RememberingKeys([signer.publicKey])
    let [tried, failed] = [0, 0]
    for (const { start, end } of recordsIn(bytes)) {
      if (tried >= n) break
      for (let bit = start * 8; bit < end * 8; bit++, tried++) {
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        // Found without a checkpoint, it is found with one.
        const given = bit % 2 === 0 ? {} : { checkpoint }
        const { verdict } = await verifyWith(holding({ [id]: bytes }), keys, { ...given, untilBad: true })
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        if (verdict === 'bad') continue
        failed++
        process.stderr.write(`every bit: ${bit} of the log is ${verdict}\n`)
      }
    }
    const { verdict } = await verifyWith(holding({ [id]: bytes }), keys, { checkpoint })
    return { tried, failed: verdict === 'ok' ? failed : failed + 1 }
  },
}
