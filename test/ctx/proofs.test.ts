import * as fc from 'fast-check'
import { signCheckpoint } from '../../lib/ctx/log/log-checkpoint.js'
import { fileLog } from '../../lib/ctx/log/log-file.js'
import { memoryLog } from '../../lib/ctx/log/log-memory.js'
import { LogWriter } from '../../lib/ctx/log/log-writer.js'
import { type ConsistencyProof, proveConsistency } from '../../lib/ctx/verify/prove-consistency.js'
import { proveRecord, type RecordProof } from '../../lib/ctx/verify/prove-record.js'
import { digestOf, sealRecord } from '../../lib/ctx/record/record.js'
import { generateSigningKey } from '../../lib/ctx/keys/signing-key.js'
import { verifyConsistencyProof, verifyRecordProof } from '../../lib/ctx/verify/verify-proof.js'
import { canonicalJson } from '../../lib/ctx/canonical-json.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { agent, clearFolders, draft, folder, holding, joined, linesIn, signer, type Written, writtenLog } from './log-rig.js'

afterAll(clearFolders)

const { publicKey } = signer
const isRecord = (line: string): boolean => line.startsWith('{"body"')
const recordsIn = ({ bytes }: Written): string[] => linesIn(bytes).filter(isRecord)
const notesIn = ({ bytes }: Written): string[] =>
  linesIn(bytes)
    .filter(line => !isRecord(line))
    .map(line => JSON.parse(line).checkpoint)
const digestIn = (line: string): string => digestOf(sealRecord(canonicalJson(JSON.parse(line).body)))
/** As a stranger gets it. */
const sent = <T>(proof: T): T => JSON.parse(JSON.stringify(proof))
const verdictOf = (proof: unknown): string => verifyRecordProof(proof, { publicKey }).verdict

describe('proveRecord', () => {
  let signed: Written
  let batch: Written
  beforeAll(async () => {
    signed = await writtenLog(21, { checkpointEvery: 8 })
    batch = await writtenLog(21, { batchMs: 1_000, checkpointEvery: 8 })
  })

  it.each(['signed', 'batch'] as const)('proves every record of a log (%s), with the public key alone', async which => {
    const { log, id, ...written } = which === 'signed' ? signed : batch
    const lines = recordsIn({ log, id, ...written })
    for (const [seq, line] of lines.entries()) {
      const proof = sent(await proveRecord(log, { log: id, seq }))
      expect(proof).toMatchObject({ record: line, index: seq, size: 21, checkpoint: written.checkpoint })
      expect(verifyRecordProof(proof, { publicKey })).toEqual({
        verdict: 'ok',
        problems: [],
        record: JSON.parse(line).body,
        digest: digestIn(line),
      })
    }
    // In a batch only what happens to the log is signed by itself.
    expect(lines.filter(line => !line.includes('"sig"'))).toHaveLength(which === 'batch' ? 19 : 0)
  })

  it('finds a record by its digest or the beginning of it, in one log or in all', async () => {
    const log = memoryLog()
    const clock = new VirtualClock()
    const writers = await Promise.all(['a', 'b'].map(id => LogWriter.open({ log, agent: { ...agent, id }, signer, clock })))
    const written = writers.map((writer, n) => writer.append(draft(n)))
    for (const writer of writers) await writer.close()
    for (const [n, record] of written.entries()) {
      const digest = digestOf(record)
      for (const given of [digest, digest.slice(0, 8)]) {
        expect(verifyRecordProof(await proveRecord(log, { digest: given }), { publicKey })).toMatchObject({ verdict: 'ok', digest })
        expect(await proveRecord(log, { digest: given, log: writers[n]!.id })).toMatchObject({ index: 1 })
        await expect(proveRecord(log, { digest: given, log: writers[1 - n]!.id })).rejects.toThrow(/there is no record of digest/)
      }
    }
  })

  it('does not choose between two records that begin alike', async () => {
    // A copy of a log under another id: the same digests.
    const twice = holding({ [signed.id]: signed.bytes, copy: signed.bytes.toString().replaceAll(`record/${signed.id}`, 'record/copy') })
    const digest = digestIn(recordsIn(signed)[3]!)
    await expect(proveRecord(twice, { digest })).rejects.toThrow(/more than one/)
    expect(verdictOf(await proveRecord(twice, { digest, log: signed.id }))).toBe('ok')
  })

  it('proves to a checkpoint that was kept outside', async () => {
    const [first, second] = notesIn(signed)
    for (const [checkpoint, size] of [
      [first!, 8],
      [second!, 16],
    ] as const) {
      const proof = await proveRecord(signed.log, { log: signed.id, seq: 5, checkpoint })
      expect([proof.size, proof.checkpoint, verdictOf(proof)]).toEqual([size, checkpoint, 'ok'])
    }
    // One that no line of the log is of.
    const writer = await LogWriter.open({ log: memoryLog(), agent, signer, clock: new VirtualClock() })
    await writer.close()
    await expect(proveRecord(signed.log, { log: signed.id, seq: 8, checkpoint: first! })).rejects.toThrow(/does not cover record 8/)
    await expect(proveRecord(signed.log, { log: signed.id, seq: 0, checkpoint: writer.checkpointNote })).rejects.toThrow()
  })

  it('proves of an open log what a checkpoint covers, and says of the rest that none does yet', async () => {
    const log = memoryLog()
    const writer = await LogWriter.open({ log, agent, signer, clock: new VirtualClock(), batchMs: 1_000 })
    writer.append(draft(1))
    await expect(proveRecord(log, { log: writer.id, seq: 1 })).rejects.toMatchObject({
      code: 'ERR_SIGNING',
      message: expect.stringMatching(/no checkpoint covers record 1 .* yet/),
    })
    await writer.checkpoint()
    writer.append(draft(2))
    expect(await proveRecord(log, { log: writer.id, seq: 1 })).toMatchObject({ index: 1, size: 2 })
    await expect(proveRecord(log, { log: writer.id, seq: 2 })).rejects.toThrow(/no checkpoint covers/)
    await expect(proveRecord(log, { log: writer.id, seq: 3 })).rejects.toThrow(RangeError)
    await writer.close()
  })

  it('proves nothing of a log that was changed', async () => {
    const lines = linesIn(signed.bytes)
    const prove = (changed: readonly string[], seq: number, checkpoint?: string) =>
      proveRecord(holding({ [signed.id]: joined(changed) }), { log: signed.id, seq, checkpoint })
    const another = lines.with(2, lines[2]!.replace('finding 1', 'finding 9'))
    await expect(prove(another, 4)).rejects.toThrow(/not whole: a checkpoint/)
    await expect(prove(lines.with(2, '{}'), 4)).rejects.toThrow(/not whole: line 3/)
    const withoutNotes = another.filter(isRecord)
    await expect(prove(withoutNotes, 4, signed.checkpoint)).rejects.toThrow(/not those of the checkpoint/)
    await expect(prove(lines.slice(0, 6), 4, signed.checkpoint)).rejects.toThrow(/has 6 records, the checkpoint is of 21/)
  })

  it('proves in files too, and is not kept from it by another log that was changed', async () => {
    const dir = folder()
    const { id, bytes } = await writtenLog(5, { log: fileLog({ dir }) })
    const line = linesIn(bytes)[2]!
    const proof = await proveRecord(dir, { digest: digestIn(line) })
    expect(proof).toEqual(await proveRecord(dir, { log: id, seq: 2 }))
    expect(verdictOf(proof)).toBe('ok')
    const both = holding({ bad: '{}\n', [id]: bytes })
    expect(await proveRecord(both, { digest: digestIn(line) })).toEqual(proof)
    await expect(proveRecord(both, { digest: '0'.repeat(64) })).rejects.toThrow(/bad is not whole/)
  })

  it.each<[object, RegExp]>([
    [{}, /seq or digest/],
    [{ seq: 1, digest: '0'.repeat(64) }, /one of the two/],
    [{ seq: 1 }, /log must say/],
    [{ seq: -1, log: 'x' }, /from 0/],
    [{ digest: 'abc' }, /8 digits/],
    [{ digest: 'A'.repeat(64) }, /hex/],
    [{ digest: '0'.repeat(64), checkpoint: 'no note' }, /checkpoint must be/],
    [{ digest: '0'.repeat(64), more: 1 }, /unknown option "more"/],
  ])('refuses %j', async (options, says) => {
    await expect(proveRecord(memoryLog(), options)).rejects.toThrow(says)
  })
})

describe('verifyRecordProof', () => {
  let log: Written
  let proof: RecordProof
  beforeAll(async () => {
    log = await writtenLog(13, { batchMs: 1_000, checkpointEvery: 6 })
    proof = await proveRecord(log.log, { log: log.id, seq: 4 })
  })
  const problems = (changed: object, options = {}) =>
    verifyRecordProof({ ...proof, ...changed }, { publicKey, ...options }).problems.join('; ')

  it('finds a change of any byte of a proof', async () => {
    for (const one of [proof, await proveRecord(log.log, { log: log.id, seq: 0 })]) {
      const text = JSON.stringify(one)
      const missed: string[] = []
      for (let at = 0; at < text.length; at++) {
        const changed = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1)
        const value = parsed(changed)
        if (value !== undefined && verdictOf(value) !== 'bad') missed.push(changed.slice(at - 20, at + 20))
      }
      expect(missed).toEqual([])
    }
  })

  it('says what is wrong', async () => {
    const other = await writtenLog(13, { batchMs: 1_000, agent: { ...agent, id: 'other' } })
    const stranger = generateSigningKey()
    const note = (size: number, key = signer, id = log.id) => signCheckpoint({ log: id, size, root: '0'.repeat(64) }, key)
    expect(problems({ index: 5 })).toContain('the record has another number')
    expect(problems({ size: 12 })).toContain('of another number of records')
    expect(problems({ path: proof.path.slice(1) })).toBe('the path does not lead from the record to the checkpoint')
    expect(problems({ path: [...proof.path].reverse() })).toContain('the path does not lead')
    expect(problems({ checkpoint: note(13) })).toBe('the path does not lead from the record to the checkpoint')
    expect(problems({ checkpoint: note(13, stranger) })).toContain('signed by a trusted key')
    expect(problems({ checkpoint: other.checkpoint })).toContain('the checkpoint is of another log')
    expect(problems({ record: recordsIn(log)[5]! })).toContain('the record has another number')
    expect(problems({ record: `${proof.record} ` })).toContain('canonical')
    expect(problems({ record: linesIn(log.bytes).find(line => !isRecord(line)) })).toContain('it holds no record')
    expect(problems({}, { publicKey: stranger.publicKey })).toContain('trusted key')
    expect(problems({ type: 'another' })).toBe('it is not the proof of a record')
  })

  it('finds a wrong sentence that the right key has signed', async () => {
    const kept = memoryLog()
    const writer = await LogWriter.open({ log: kept, agent, signer, clock: new VirtualClock() })
    writer.append(draft(1, { human: 'All is well' }))
    await writer.close()
    const made = await proveRecord(kept, { log: writer.id, seq: 1 })
    expect(verifyRecordProof(made, { publicKey }).problems).toEqual(['the sentence is not the translation of the statement'])
  })

  it('counts a record of a revoked key only under a checkpoint from before', async () => {
    const revoked = (seq: number) => ({ revoked: [{ key: signer.id, log: log.id, seq }] })
    expect(problems({}, revoked(13))).toBe('')
    expect(problems({}, revoked(12))).toBe('the key of the checkpoint was revoked before it')
    const early = await proveRecord(log.log, { log: log.id, seq: 4, checkpoint: notesIn(log)[0]! })
    expect(verifyRecordProof(early, { publicKey, ...revoked(6) }).verdict).toBe('ok')
    expect(verifyRecordProof(early, { publicKey, ...revoked(4) }).problems).toContain('the key was revoked before it')
  })

  it('proves over a change of keys, to whoever knows both', async () => {
    const kept = memoryLog()
    const next = generateSigningKey()
    const writer = await LogWriter.open({ log: kept, agent, signer, clock: new VirtualClock() })
    writer.append(draft(1))
    await writer.rotate(next)
    writer.append(draft(2))
    await writer.close()
    for (const seq of [1, 2, 3]) {
      const made = await proveRecord(kept, { log: writer.id, seq })
      expect(verifyRecordProof(made, { publicKey: [publicKey, next.publicKey] }).verdict).toBe('ok')
      expect(verifyRecordProof(made, { publicKey }).verdict).toBe('bad')
    }
  })

  it('has an answer for anything', () => {
    const odd = [
      undefined,
      null,
      1,
      '',
      [],
      {},
      { ...proof, more: 1 },
      { ...proof, path: 'x' },
      { ...proof, path: [1] },
      { ...proof, size: 0.5 },
    ]
    for (const value of odd) expect(verdictOf(value)).toBe('bad')
    fc.assert(fc.property(fc.anything(), value => verdictOf(value) === 'bad' && verdictOf({ ...proof, record: value }) === 'bad'))
    expect(() => verifyRecordProof(proof, { publicKey: 'no key' })).toThrow(TypeError)
  })
})

describe('proveConsistency', () => {
  let log: Written
  let notes: string[]
  beforeAll(async () => {
    log = await writtenLog(40, { checkpointEvery: 3 })
    notes = notesIn(log)
  })
  const verified = (proof: unknown) => verifyConsistencyProof(proof, { publicKey })

  it('proves that a log has only grown, between any two of its checkpoints', async () => {
    expect(notes).toHaveLength(14)
    for (const [n, older] of notes.entries()) {
      for (const newer of [...notes.slice(n), undefined]) {
        const proof = sent(await proveConsistency(log.log, { older, newer }))
        expect(proof.newer).toBe(newer ?? log.checkpoint)
        expect(verified(proof)).toMatchObject({ verdict: 'ok', problems: [], log: log.id, older: Math.min(3 * n + 3, 40) })
      }
    }
  })

  it('finds a change of any byte of a proof', async () => {
    const text = JSON.stringify(await proveConsistency(log.log, { older: notes[4]! }))
    for (let at = 0; at < text.length; at++) {
      const value = parsed(text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1))
      if (value !== undefined) expect([at, verified(value).verdict]).toEqual([at, 'bad'])
    }
  })

  it('cannot be had for a log that was written anew by the holder of the key, nor made for one', async () => {
    const other = await writtenLog(40, { checkpointEvery: 3, agent: { ...agent, name: 'other' } })
    const [older] = notes
    const newer = notesIn(other)[5]!
    expect(other.id).toBe(log.id)
    await expect(proveConsistency(other.log, { older: older! })).rejects.toThrow(/not those of the checkpoint/)
    await expect(proveConsistency(log.log, { older: older!, newer })).rejects.toThrow(/not those of the checkpoint/)
    const own = await proveConsistency(other.log, { older: notesIn(other)[0]!, newer })
    expect(verified(own).verdict).toBe('ok')
    expect(verified({ ...own, older }).problems).toEqual([
      'the records of the older checkpoint are not the beginning of those of the newer one',
    ])
  })

  it('names a split view', () => {
    const older = log.checkpoint
    const newer = signCheckpoint({ log: log.id, size: 40, root: '0'.repeat(64) }, signer)
    const made: ConsistencyProof = { type: 'application/vnd.outrigger.consistency-proof.v1+json', older, newer, path: [] }
    expect(verified(made).problems).toEqual([expect.stringContaining('split view')])
    expect(verified({ ...made, newer: older }).verdict).toBe('ok')
  })

  it('refuses two logs, a newer one that is older, and what is no checkpoint', async () => {
    const other = await writtenLog(4, { agent: { ...agent, id: 'other' } })
    const prove = (older: string, newer?: string): Promise<unknown> => proveConsistency(log.log, { older, newer })
    await expect(prove(notes[0]!, other.checkpoint)).rejects.toThrow(/two logs/)
    await expect(prove(notes[1]!, notes[0])).rejects.toThrow(/older is of 6 records, newer of 3/)
    await expect(prove('no note')).rejects.toThrow(TypeError)
    await expect(prove(signCheckpoint({ log: log.id, size: 0, root: '0'.repeat(64) }, signer))).rejects.toThrow(/nothing to prove/)
    const beyond = signCheckpoint({ log: log.id, size: 41, root: '0'.repeat(64) }, signer)
    await expect(prove(notes[0]!, beyond)).rejects.toThrow(/has 40 records, the checkpoint is of 41/)
  })
})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
