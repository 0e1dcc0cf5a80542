import { numbers } from '../../seam/conversations.js'
import { holding, joined, linesIn, signer, type Written, writtenLog } from '../../ctx/log-rig.js'
import { verifyLogs } from '../../../lib/ctx/verify.js'
import type { Proof } from '../proof.js'

type Random = () => number
type Change = (bytes: Buffer, random: Random) => Buffer

const upTo = (random: Random, count: number): number => Math.floor(random() * count)

/** Applies to the lines of a log. */
const onLines =
  (change: (lines: string[], random: Random) => string[]): Change =>
  (bytes, random) =>
    joined(change(linesIn(bytes), random))

const changes: Readonly<Record<string, Change>> = {
  flip: (bytes, random) => {
    const changed = Buffer.from(bytes)
    const bit = upTo(random, bytes.length * 8)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    return changed
  },
  'another byte': (bytes, random) => {
    const changed = Buffer.from(bytes)
    changed[upTo(random, bytes.length)]! = upTo(random, 256)
    return changed
  },
  'bytes cut out': (bytes, random) => {
    const at = upTo(random, bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + upTo(random, 2_000))])
  },
  'bytes put in': (bytes, random) => {
    const at = upTo(random, bytes.length)
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(' {}"\n'.charAt(upTo(random, 5))), bytes.subarray(at)])
  },
  deleted: onLines((lines, random) => lines.toSpliced(upTo(random, lines.length), 1 + upTo(random, 3))),
  swapped: onLines((lines, random) => {
    const [a, b] = [upTo(random, lines.length), upTo(random, lines.length)]
    return lines.with(a, lines[b]!).with(b, lines[a]!)
  }),
  repeated: onLines((lines, random) => lines.toSpliced(upTo(random, lines.length + 1), 0, lines[upTo(random, lines.length)]!)),
  moved: onLines((lines, random) => {
    const [block, ...rest] = [lines.splice(upTo(random, lines.length), 1 + upTo(random, 4)), ...lines]
    return rest.toSpliced(upTo(random, rest.length + 1), 0, ...block)
  }),
  'tail cut': onLines((lines, random) => lines.slice(0, upTo(random, lines.length))),
  'head cut': onLines((lines, random) => lines.slice(1 + upTo(random, lines.length))),
  'field changed': (bytes, random) => {
    const text = bytes.toString()
    const fields = [...text.matchAll(/"(?:at|mono|seq|action|agent|policy|human|ctx|prev|sig|key|phase|kind)":("[^"]*"|\d+|null)/g)]
    const { index, 0: whole } = fields[upTo(random, fields.length)]!
    const [other] = fields[upTo(random, fields.length)]!
    const value = other.slice(other.indexOf(':') + 1)
    return Buffer.from(text.slice(0, index) + whole.slice(0, whole.indexOf(':') + 1) + value + text.slice(index + whole.length))
  },
}

const logs = async (): Promise<readonly Written[]> => [
  await writtenLog(50, { checkpointEvery: 16 }),
  await writtenLog(20, { batchMs: 1_000, checkpointEvery: 7 }),
  await writtenLog(12),
]

/** A log of another run by the same key, whose records are good where they stand. */
const spliced = (log: Written, other: Written, random: Random): Buffer => {
  const [own, foreign] = [linesIn(log.bytes), linesIn(other.bytes)]
  const at = upTo(random, Math.min(own.length, foreign.length))
  return joined(own.with(at, foreign[at]!))
}

/** Every change of a log is found with a checkpoint that was kept outside. */
export const proof: Proof = {
  group: 'ctx',
  name: 'a log that was changed anyhow is never ok',
  full: 30_000,
  small: 400,
  async run({ n, seed }) {
    const random = numbers(seed)
    const written = await logs()
    const names = [...Object.keys(changes), 'spliced']
    let failed = 0
    for (let tried = 0; tried < n; ) {
      const log = written[upTo(random, written.length)]!
      const name = names[upTo(random, names.length)]!
      const other = written.find(one => one !== log)!
      const bytes = name === 'spliced' ? spliced(log, other, random) : changes[name]!(log.bytes, random)
      if (bytes.equals(log.bytes)) continue
      tried++
      const { verdict } = await verifyLogs(holding({ [log.id]: bytes }), { publicKey: signer.publicKey, checkpoint: log.checkpoint })
      if (verdict === 'bad') continue
      failed++
      process.stderr.write(`tampering, seed ${seed}, case ${tried}, ${name}: ${verdict}\n`)
    }
    return { tried: n, failed }
  },
}
