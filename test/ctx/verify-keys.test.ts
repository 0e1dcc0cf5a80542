import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalJson } from '../../lib/ctx/canonical-json.js'
import { createKeys, loadPublicKeys, rotateKeys } from '../../lib/ctx/keys/keys.js'
import { signCheckpoint } from '../../lib/ctx/log/log-checkpoint.js'
import { fileLog } from '../../lib/ctx/log/log-file.js'
import { memoryLog } from '../../lib/ctx/log/log-memory.js'
import { LogWriter } from '../../lib/ctx/log/log-writer.js'
import { checkpointLine, recordLine, sealRecord } from '../../lib/ctx/record/record.js'
import type { RecordSigner } from '../../lib/ctx/keys/record-signer.js'
import { generateSigningKey } from '../../lib/ctx/keys/signing-key.js'
import { TreeFrontier } from '../../lib/ctx/tree/tree-frontier.js'
import { type Verification, verifyLogs } from '../../lib/ctx/verify/verify.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import {
  agent,
  bytesOf,
  clearFolders,
  draft,
  folder,
  holding,
  joined,
  linesIn,
  orphan,
  signer,
  type Written,
  writtenLog,
} from './log-rig.js'

afterAll(clearFolders)

const next = generateSigningKey()
const both = [signer.publicKey, next.publicKey]
type Found = readonly [string, readonly (readonly [string, number | undefined])[]]
const found = ({ verdict, problems }: Verification): Found => [verdict, problems.map(({ why, seq }) => [why, seq])]

/** Records 0 to 2 by the first key, 2 the change, then two by the next and the closing one. */
async function rotated(): Promise<Written> {
  const log = memoryLog()
  const writer = await LogWriter.open({ log, agent, signer, clock: new VirtualClock() })
  writer.append(draft(1))
  await writer.rotate(next)
  writer.append(draft(2))
  writer.append(draft(3))
  await writer.close()
  return { log, id: writer.id, checkpoint: writer.checkpointNote, bytes: await bytesOf(log, writer.id) }
}

type Line = { body: { key: string; seq: number }; sig?: string; cosig?: { key: string; sig: string } }

/** Writes the log anew as its keys' holder would: `by` signs record `seq`, `cosigned` the change. Chain, tree and checkpoint are right. */
function resigned({ bytes, id }: Written, by: (seq: number) => RecordSigner, cosigned: RecordSigner | null = next): Buffer {
  const tree = new TreeFrontier()
  let prev = '0'.repeat(64)
  const lines = linesIn(bytes).flatMap(line => {
    const { body, cosig } = JSON.parse(line) as Line
    if (!body) return []
    const text = canonicalJson({ ...body, prev, key: by(body.seq).id })
    const { encoded, leaf } = sealRecord(text)
    prev = leaf
    tree.append(leaf)
    const sigOf = (key: RecordSigner): string => Buffer.from(key.sign(encoded)).toString('base64')
    return [recordLine(text, sigOf(by(body.seq)), cosig && cosigned ? { key: next.id, sig: sigOf(cosigned) } : undefined)]
  })
  const last = by(lines.length - 1)
  return joined([...lines, checkpointLine(signCheckpoint({ log: id, size: lines.length, root: tree.root() }, last))])
}

describe('verifyLogs, over a change of keys', () => {
  let log: Written
  beforeAll(async () => {
    log = await rotated()
  })
  const checked = (bytes: Buffer, publicKey: readonly string[] = both, checkpoint: string | readonly string[] = []) =>
    verifyLogs(holding({ [log.id]: bytes }), { publicKey, checkpoint })

  it('finds it ok by both keys, and not by one of them', async () => {
    expect(found(await checked(log.bytes, both, log.checkpoint))).toEqual(['ok', []])
    expect(resigned(log, seq => (seq > 2 ? next : signer)).equals(log.bytes)).toBe(true)
    // The old key alone: all up to the change is good, and nothing behind it.
    const [verdict, problems] = found(await checked(log.bytes, [signer.publicKey]))
    expect([verdict, problems[0], problems.slice(1).some(([, seq]) => seq !== undefined && seq < 2)]).toEqual(['bad', ['key', 2], false])
    expect(found(await checked(log.bytes, [next.publicKey]))[1]).toContainEqual(['key', 0])
  })

  it('refuses what the new key signs before the change', async () => {
    expect(found(await checked(resigned(log, seq => (seq === 1 || seq > 2 ? next : signer))))).toEqual(['bad', [['key', 1]]])
  })

  it('refuses what the old key signs behind the change', async () => {
    expect(found(await checked(resigned(log, seq => (seq > 2 && seq !== 4 ? next : signer))))).toEqual(['bad', [['key', 4]]])
    const all = found(await checked(resigned(log, () => signer)))
    expect(all).toEqual([
      'bad',
      [
        ['key', 3],
        ['key', 4],
        ['key', 5],
        ['checkpoint', undefined],
      ],
    ])
  })

  it('refuses a change that only one of the two has signed', async () => {
    const withoutNext = resigned(log, seq => (seq > 2 ? next : signer), signer)
    expect(found(await checked(withoutNext))[1]).toContainEqual(['signature', 2])
    const withoutOld = resigned(log, seq => (seq > 1 ? next : signer))
    expect(found(await checked(withoutOld))).toEqual(['bad', [['key', 2]]])
    const lines = linesIn(resigned(log, seq => (seq > 2 ? next : signer), null))
    expect(lines.filter(line => line.includes('"cosig"'))).toEqual([])
    expect(found(await checked(joined(lines)))[1]).toContainEqual(['signature', 2])
  })

  it('does not go over to a key that is named by the record alone', async () => {
    const stranger = generateSigningKey()
    const kept = memoryLog()
    const writer = await LogWriter.open({ log: kept, agent, signer, clock: new VirtualClock() })
    await writer.rotate(stranger)
    writer.append(draft(1))
    await writer.close()
    const [verdict, problems] = found(await verifyLogs(kept, { publicKey: both }))
    expect([verdict, problems.slice(0, 2)]).toEqual([
      'bad',
      [
        ['key', 1],
        ['key', 2],
      ],
    ])
  })
})

describe('LogWriter, after a crash behind a change of keys', () => {
  async function left(): Promise<{ readonly dir: string; readonly id: string }> {
    const dir = folder()
    const writer = await LogWriter.open({ log: fileLog({ dir }), agent, signer, clock: new VirtualClock() })
    await writer.rotate(next)
    orphan(dir, writer.id)
    return { dir, id: writer.id }
  }
  const open = (dir: string, by: RecordSigner) => LogWriter.open({ log: fileLog({ dir }), agent, signer: by, clock: new VirtualClock() })

  it('goes on by the new key', async () => {
    const { dir, id } = await left()
    const writer = await open(dir, next)
    await writer.append(draft(1)).durable
    await writer.close()
    expect(writer.id).toBe(id)
    expect(found(await verifyLogs(dir, { publicKey: both, checkpoint: writer.checkpointNote }))).toEqual(['ok', []])
  })

  it('begins another log by the old one, which is not in force any more there', async () => {
    const { dir, id } = await left()
    const writer = await open(dir, signer)
    await writer.close()
    expect(writer.id).not.toBe(id)
    expect(found(await verifyLogs(dir, { publicKey: both }))).toEqual(['unanchored', []])
  })

  it('does not go on behind records that wait for a tree head and name another key', async () => {
    const dir = folder()
    const options = { log: fileLog({ dir }), agent, signer, clock: new VirtualClock(), batchMs: 1_000 }
    const writer = await LogWriter.open(options)
    const { id } = writer
    await writer.append(draft(1)).durable
    orphan(dir, id)
    const path = join(dir, 'log', id, 'records.jsonl')
    const [opening, waiting] = linesIn(readFileSync(path))
    writeFileSync(path, joined([opening!, waiting!.replace(`"key":"${signer.id}"`, `"key":"${next.id}"`)]))
    expect((await open(dir, signer)).id).not.toBe(id)
  })

  it('does not go on behind a change that the new key has not signed', async () => {
    const { dir, id } = await left()
    const path = join(dir, 'log', id, 'records.jsonl')
    writeFileSync(path, readFileSync(path, 'utf8').replace(/("cosig":\{"key":"[^"]*","sig":")./, '$1!'))
    expect((await open(dir, next)).id).not.toBe(id)
  })
})

describe('rotateKeys and LogWriter.rotate', () => {
  it('exchange the keys of a folder by a record that both sign; the folder verifies with the keys it holds', async () => {
    const dir = folder()
    const log = fileLog({ dir })
    const first = createKeys(dir)
    const writer = await LogWriter.open({ log, agent, signer: first, clock: new VirtualClock() })
    const second = await rotateKeys(dir, (_old, following) => writer.rotate(following))
    await writer.append(draft(1)).durable
    await writer.close()
    expect([createKeys(dir).id, loadPublicKeys(dir)]).toEqual([second.id, [second.publicKey, first.publicKey]])
    const checkpoint = writer.checkpointNote
    expect(found(await verifyLogs(dir, { publicKey: loadPublicKeys(dir), checkpoint }))).toEqual(['ok', []])
  })
})

describe('verifyLogs, where a key was revoked', () => {
  const records = 12
  let log: Written
  let first: string
  let second: string
  beforeAll(async () => {
    log = await writtenLog(records, { checkpointEvery: 4 })
    ;[first, second] = linesIn(log.bytes)
      .filter(line => line.startsWith('{"checkpoint"'))
      .map(line => JSON.parse(line).checkpoint) as [string, string]
  })
  const until = (lines: number): Buffer => joined(linesIn(log.bytes).slice(0, lines))
  const checked = (bytes: Buffer, seq: number, checkpoint: readonly string[] = []) =>
    verifyLogs(holding({ [log.id]: bytes }, 'left'), {
      publicKey: signer.publicKey,
      checkpoint,
      revoked: [{ key: signer.id, log: log.id, seq }],
    })

  it('counts the records before it that a checkpoint from outside holds', async () => {
    expect(found(await checked(until(5), 4, [first]))).toEqual(['ok', []])
    expect(found(await checked(until(10), 8, [first, second]))).toEqual(['ok', []])
    expect(found(await checked(log.bytes, records, [log.checkpoint]))).toEqual(['ok', []])
  })

  it('cannot decide about records before it that none holds: who has the key may have written them anew', async () => {
    expect(found(await checked(until(5), 4))).toEqual(['unanchored', []])
    expect(found(await checked(until(10), 8, [first]))).toEqual(['unanchored', []])
    // Nor does a closing record prove the end then.
    expect(found(await checked(log.bytes, records, [first]))).toEqual(['unanchored', []])
  })

  it('refuses the records from it on, and a checkpoint of them', async () => {
    expect(found(await checked(log.bytes, 9, [first, second]))).toEqual([
      'bad',
      [
        ['revoked', 9],
        ['revoked', 10],
        ['revoked', 11],
      ],
    ])
    expect(found(await checked(until(5), 4, [second]))).toEqual(['bad', [['revoked', undefined]]])
  })
})
