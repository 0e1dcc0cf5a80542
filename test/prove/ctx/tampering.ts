import { numbers } from '../../seam/conversations.js'
import { agent, holding, joined, linesIn, signer, type Written, writtenLog } from '../../ctx/log-rig.js'
import { RememberingKeys } from '../../ctx/remembering-keys.js'
import { verifyWith } from '../../../lib/ctx/verify/verify.js'
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

/** With another log by the same key: its records are good where they stand. */
type Splice = (bytes: Buffer, random: Random, other: Buffer) => Buffer

const withLines =
  (change: (own: string[], foreign: string[], at: number) => string[]): Splice =>
  (bytes, random, other) => {
    const [own, foreign] = [linesIn(bytes), linesIn(other)]
    return joined(change(own, foreign, upTo(random, Math.min(own.length, foreign.length))))
  }

const splices: Readonly<Record<string, Splice>> = {
  'a record of another log': withLines((own, foreign, at) => own.with(at, foreign[at]!)),
  'the end of another log': withLines((own, foreign, at) => [...own.slice(0, at), ...foreign.slice(at)]),
  'the beginning of another log': withLines((own, foreign, at) => [...foreign.slice(0, at), ...own.slice(at)]),
  'another log behind it': withLines((own, foreign) => [...own, ...foreign]),
  'the whole of another log': (_bytes, _random, other) => other,
}

const replays: Readonly<Record<string, Change>> = {
  'set back to a checkpoint': onLines((lines, random) => {
    const heads = lines.flatMap((line, at) => (line.startsWith('{"checkpoint"') ? [at + 1] : []))
    return lines.slice(0, heads[upTo(random, heads.length)])
  }),
  'the whole of it twice': onLines(lines => [...lines, ...lines]),
  'an old record at the end': onLines((lines, random) => [...lines, lines[upTo(random, lines.length)]!]),
  'a signature of another record': onLines((lines, random) => {
    const sigOf = (line: string): string | undefined => /,"sig":"[^"]*"/.exec(line)?.[0]
    const [a, b] = [upTo(random, lines.length), upTo(random, lines.length)]
    const [from, to] = [sigOf(lines[a]!), sigOf(lines[b]!)]
    return from && to ? lines.with(b, lines[b]!.replace(to, from)) : lines
  }),
}

/** The long one is dear: it is taken one time in ten. */
const logs = async (): Promise<readonly Written[]> => {
  const by = (id: string) => ({ agent: { ...agent, id } })
  const small = [
    await writtenLog(12, { ...by('a'), checkpointEvery: 5 }),
    await writtenLog(10, { ...by('b'), batchMs: 1_000, checkpointEvery: 4 }),
    await writtenLog(7, by('c')),
  ]
  return [...small, ...small, ...small, await writtenLog(50, { ...by('d'), checkpointEvery: 16 })]
}

const kinds: readonly (readonly [string, Splice])[] = Object.entries({ ...changes, ...replays, ...splices })

/** Whole lines from the beginning of the log: what a cut of its end leaves. Nothing inside a log tells that there was more. */
const isCut = (bytes: Buffer, whole: Buffer): boolean =>
  whole.subarray(0, bytes.length).equals(bytes) && (bytes.length === 0 || bytes.at(-1) === 10)

/** What a changed log comes to, with a checkpoint from outside and without: nothing, where it is as it should be. */
async function flaw(log: Written, bytes: Buffer, keys: RememberingKeys): Promise<string | undefined> {
  const place = holding({ [log.id]: bytes })
  const anchored = await verifyWith(place, keys, { checkpoint: log.checkpoint, untilBad: true })
  if (anchored.verdict !== 'bad') return `${anchored.verdict} with a checkpoint`
  // A checkpoint only adds these two: what else is wrong is wrong without it.
  if (anchored.problems.some(({ why }) => why !== 'anchor' && why !== 'missing')) return undefined
  const alone = await verifyWith(place, keys, { untilBad: true })
  if (alone.verdict === 'ok') return 'ok without a checkpoint'
  return alone.verdict === 'bad' || isCut(bytes, log.bytes) ? undefined : `${alone.verdict} without a checkpoint, and it is no cut`
}

/** Every change is found with a checkpoint that was kept outside; without one, every change but a cut of the end, which is never called good. */
export const proof: Proof = {
  group: 'ctx',
  name: 'a log that was changed anyhow is never ok',
  full: 1_000_000,
  small: 10_000,
  async run({ n, seed }) {
    const random = numbers(seed)
    const written = await logs()
    const keys = new RememberingKeys([signer.publicKey])
    let failed = 0
    for (let tried = 0; tried < n; ) {
      const log = written[upTo(random, written.length)]!
      const others = written.filter(one => one !== log)
      const [name, change] = kinds[upTo(random, kinds.length)]!
      const bytes = change(log.bytes, random, others[upTo(random, others.length)]!.bytes)
      if (bytes.equals(log.bytes)) continue
      tried++
      const wrong = await flaw(log, bytes, keys)
      if (wrong === undefined) continue
      failed++
      process.stderr.write(`tampering, seed ${seed}, case ${tried}, ${name}: ${wrong}\n`)
    }
    return { tried: n, failed }
  },
}
