import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openCheckpoint } from '../../lib/ctx/log/log-checkpoint.js'
import { fileLog } from '../../lib/ctx/log/log-file.js'
import { memoryLog } from '../../lib/ctx/log/log-memory.js'
import { LogWriter, type LogWriterOptions } from '../../lib/ctx/log/log-writer.js'
import { leafHash } from '../../lib/ctx/tree/merkle.js'
import { pae, recordType } from '../../lib/ctx/record/pae.js'
import { canonicalJson } from '../../lib/ctx/canonical-json.js'
import { digestOf, recordBody, recordFrame, sealRecord } from '../../lib/ctx/record/record.js'
import type { LogHandle, RecordLog } from '../../lib/ctx/log/record-log.js'
import { generateSigningKey } from '../../lib/ctx/keys/signing-key.js'
import { verifyLogs } from '../../lib/ctx/verify/verify.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { agent, bytesOf, clearFolders, draft, folder, linesIn, orphan, signer } from './log-rig.js'

afterAll(clearFolders)

const clock = () => new VirtualClock()
const open = (log: RecordLog, more: Partial<LogWriterOptions> = {}) => LogWriter.open({ log, agent, signer, clock: clock(), ...more })
const checked = (log: RecordLog, checkpoint: string | readonly string[] = []) =>
  verifyLogs(log, { publicKey: signer.publicKey, checkpoint })
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** A log in memory whose handles can be dropped like by a crash, after some of the last bytes. */
function crashable(): { readonly log: RecordLog; crash(cut?: number): Promise<void> } {
  const inner = memoryLog()
  let last: LogHandle | undefined
  const keep = <T extends LogHandle | undefined>(handle: T): T => {
    last = handle ?? last
    return handle
  }
  return {
    log: { ...inner, create: async id => keep(await inner.create(id)), resume: async prefix => keep(await inner.resume(prefix)) },
    async crash(cut = 0) {
      const { length } = await bytesOf(inner, last!.id)
      await last!.cut(length - cut)
      await last!.close({ finished: false })
    },
  }
}

describe('the record', () => {
  const facts = {
    action: 'a.1',
    kind: 'model',
    phase: 'outcome',
    policy: 'ab',
    at: 1.5,
    mono: 0.001,
    ledger: 'team',
    wire: ['c'.repeat(64)],
  } as const
  const more = { ctx: '>l:complete "é\u{1f600}"', human: 'Asked "é"', outcome: { status: 'done', nanoUsd: 7, attempts: 1 } }

  it.each([
    ['with all members', { ...facts, ...more }],
    [
      'with those it must have',
      { ...more, outcome: undefined, action: 'a', kind: 'send', phase: 'intent', policy: null, at: 0, mono: 0 } as const,
    ],
  ])('is canonical JSON by its template, %s', (_what, given) => {
    const body = recordBody(recordFrame({ agent: 'a"b', key: 'k', log: 'l' }), { ...given, seq: 3, prev: '0'.repeat(64) }, given)
    expect(body).toBe(canonicalJson({ ...given, agent: 'a"b', key: 'k', log: 'l', seq: 3, prev: '0'.repeat(64), v: 1 }))
  })

  it.each([0, 0.001, 0.1, 1.5, 12.34, 999.999, 1000, 1e12 + 0.5, 999_999_999_999.999, 1e15, 0.1 + 0.2, 1e-7, -0.5, 123.456_789_1])(
    'writes %p milliseconds as JSON does',
    mono => {
      const text = recordBody(recordFrame({ agent: 'a', key: 'k', log: 'l' }), { seq: 0, prev: '', at: 0, mono }, { ...facts, ...more })
      expect(text).toContain(`,"mono":${JSON.stringify(mono)},`)
    },
  )

  it('is sealed as pre-authentication encoding and leaf of RFC 6962 say', () => {
    for (const body of ['{}', '{"a":"é\u{1f600}"}', `{"a":"${'x'.repeat(10_000)}"}`]) {
      const sealed = sealRecord(body)
      const { encoded, leaf } = sealed
      expect(Buffer.from(encoded)).toEqual(Buffer.from(pae(recordType, body)))
      expect(leaf).toBe(Buffer.from(leafHash(encoded)).toString('hex'))
      expect(digestOf(sealed)).toBe(createHash('sha256').update(encoded).digest('hex'))
    }
  })

  it('is refused where it has no one text', () => {
    const frame = recordFrame({ agent: 'a', key: 'k', log: 'l' })
    const body = (change: object) => () => recordBody(frame, { ...facts, seq: 0, prev: '', ...change }, { ...facts, ...more, ...change })
    for (const change of [{ ctx: '\ud800' }, { at: Number.NaN }, { mono: Number.POSITIVE_INFINITY }, { human: 'x\udfffy' }])
      expect(body(change)).toThrow(TypeError)
  })
})

describe('LogWriter', () => {
  it('begins with its opening, ends with its closing, and numbers, chains and signs all', async () => {
    const log = memoryLog()
    const writer = await open(log)
    const written = [writer.append(draft(1)), writer.append(draft(2))]
    expect(written.map(({ seq, durable }) => [seq, durable])).toEqual([
      [1, undefined],
      [2, undefined],
    ])
    expect(writer.head).toEqual({ log: writer.id, seq: 2, leaf: written[1]!.leaf })
    await writer.close()
    const lines = linesIn(await bytesOf(log, writer.id)).map(line => JSON.parse(line))
    expect(lines.map(line => line.body?.ctx)).toEqual([
      '+i log event="opened" checkpoint=256 batch="no" agent="probe-1" name="probe" type="agent"',
      draft(1).ctx,
      draft(2).ctx,
      '+i log event="closed" records=4',
      undefined,
    ])
    expect(openCheckpoint(lines.at(-1).checkpoint, signer.publicKey)).toMatchObject({ log: writer.id, size: 4 })
    expect(await checked(log, writer.checkpointNote)).toMatchObject({ verdict: 'ok', records: 4, problems: [] })
  })

  it('signs a checkpoint every so many records', async () => {
    const log = memoryLog()
    const writer = await open(log, { checkpointEvery: 3 })
    for (let n = 1; n < 9; n++) writer.append(draft(n))
    const sizes = linesIn(await bytesOf(log, writer.id)).flatMap((line, at) => (line.startsWith('{"checkpoint"') ? [at] : []))
    expect(sizes).toEqual([3, 7, 11])
    expect(await writer.checkpoint()).toBe(await writer.checkpoint())
    await writer.close()
    expect(await checked(log, writer.checkpointNote)).toMatchObject({ verdict: 'ok', records: 10 })
  })

  it('stops for good where the signer fails, with nothing written', async () => {
    const log = memoryLog()
    let broken = false
    const failing = {
      id: signer.id,
      publicKey: signer.publicKey,
      sign: (bytes: Uint8Array) => {
        if (broken) throw new Error('the key is gone')
        return signer.sign(bytes)
      },
    }
    const writer = await open(log, { signer: failing })
    broken = true
    expect(() => writer.append(draft(1))).toThrow(expect.objectContaining({ code: 'ERR_SIGNING' }))
    broken = false
    expect(() => writer.append(draft(2))).toThrow(expect.objectContaining({ code: 'ERR_SIGNING' }))
    await expect(writer.checkpoint()).rejects.toMatchObject({ code: 'ERR_SIGNING' })
    await writer.close()
    expect(linesIn(await bytesOf(log, writer.id))).toHaveLength(1)
    expect(await log.state(writer.id)).toBe('left')
  })

  it.each([[0], [63], [65]])('takes no signature of %i bytes', async length => {
    const log = memoryLog()
    const short = { id: signer.id, publicKey: signer.publicKey, sign: () => new Uint8Array(length) }
    await expect(open(log, { signer: short })).rejects.toMatchObject({ code: 'ERR_SIGNING' })
    expect((await checked(log)).records).toBe(0)
  })

  it('takes nothing after it was closed, and closes once', async () => {
    const log = memoryLog()
    const writer = await open(log)
    await Promise.all([writer.close(), writer.close()])
    expect(() => writer.append(draft(1))).toThrow(/closed/)
    expect(linesIn(await bytesOf(log, writer.id))).toHaveLength(3)
  })

  it('takes nothing while the closing record is being written', async () => {
    const dir = folder()
    const log = fileLog({ dir })
    const writer = await open(log)
    const closing = writer.close()
    expect(() => writer.append(draft(1))).toThrow(/closed/)
    await closing
    expect(await checked(log, writer.checkpointNote)).toMatchObject({ verdict: 'ok', records: 2, problems: [] })
  })

  it('begins a log whatever the names of the agent are', async () => {
    const log = memoryLog()
    for (const name of ['\ud800', 'x'.repeat(100_000), '?k "a"', '\u001b[31m', ''])
      await (await open(log, { agent: { ...agent, name, type: name } })).close()
    expect(await checked(log)).toMatchObject({ verdict: 'unanchored', records: 10, problems: [] })
  })

  it('gives two agents of ids that look alike logs of their own', async () => {
    const log = memoryLog()
    const ids = ['a/b', 'a_b', 'a b', '..', '.'].map(async id => (await open(log, { agent: { ...agent, id } })).id)
    const made = await Promise.all(ids)
    expect(new Set(made).size).toBe(5)
    expect(made.filter(id => !/^[\w-][\w.-]*$/.test(id))).toEqual([])
  })
})

describe('LogWriter, by batches', () => {
  it('makes records durable at once and signs them together, at the latest when the time is over', async () => {
    const log = memoryLog()
    const time = clock()
    const writer = await open(log, { batchMs: 5, clock: time })
    const one = writer.append(draft(1))
    writer.append(draft(2))
    expect([one.sig, one.durable]).toEqual([undefined, undefined])
    expect(linesIn(await bytesOf(log, writer.id))).toHaveLength(3)
    expect(await verifyLogs(log, { publicKey: signer.publicKey })).toMatchObject({
      verdict: 'unanchored',
      logs: [{ unsigned: [{ from: 1, to: 2, recovered: false }] }],
    })
    await time.advance(5)
    const lines = linesIn(await bytesOf(log, writer.id))
    expect(lines).toHaveLength(4)
    expect(lines[3]).toContain('checkpoint')
    expect(await verifyLogs(log, { publicKey: signer.publicKey })).toMatchObject({ verdict: 'unanchored', logs: [{ unsigned: [] }] })
    await time.advance(50)
    expect(linesIn(await bytesOf(log, writer.id))).toHaveLength(4)
    await writer.close()
    expect(await checked(log, writer.checkpointNote)).toMatchObject({ verdict: 'ok', records: 4, problems: [] })
  })

  it('finds a change of a record that only a tree head signs', async () => {
    const log = memoryLog()
    const writer = await open(log, { batchMs: 5 })
    for (let n = 0; n < 5; n++) writer.append(draft(n))
    await writer.close()
    const bytes = await bytesOf(log, writer.id)
    const { holding } = await import('./log-rig.js')
    for (let bit = 0; bit < bytes.length * 8; bit += 97) {
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      expect((await verifyLogs(holding({ [writer.id]: bytes }), { publicKey: signer.publicKey })).verdict).toBe('bad')
      bytes[bit >> 3]! ^= 1 << (bit & 7)
    }
  })

  it('tells somebody when a tree head cannot be written', async () => {
    const time = clock()
    const failures: string[] = []
    const { log, crash } = crashable()
    const writer = await open(log, { batchMs: 5, clock: time, onFailure: ({ code }) => failures.push(code) })
    writer.append(draft(1))
    await crash()
    await time.advance(5)
    await turn()
    expect(failures).toEqual(['ERR_SIGNING'])
    expect(() => writer.append(draft(2))).toThrow(/closed/)
  })
})

describe('LogWriter, after a crash', () => {
  it('goes on with its log: the torn line is cut, and a signed record says so', async () => {
    const { log, crash } = crashable()
    const first = await open(log)
    for (let n = 0; n < 4; n++) first.append(draft(n))
    await crash(100)
    const second = await open(log)
    expect(second.id).toBe(first.id)
    second.append(draft(9))
    await second.close()
    const lines = linesIn(await bytesOf(log, first.id)).map(line => JSON.parse(line))
    expect(lines.map(({ body }) => body?.ctx)).toMatchObject(
      [
        /opened/,
        draft(0).ctx,
        draft(1).ctx,
        draft(2).ctx,
        /^\+i log event="recovered" checkpoint=256 batch="no" cut=\d+ unsigned=0$/,
        draft(9).ctx,
        /closed/,
        undefined,
      ].map(text => (text instanceof RegExp ? expect.stringMatching(text) : text)),
    )
    expect(await checked(log, second.checkpointNote)).toMatchObject({
      verdict: 'ok',
      records: 7,
      problems: [],
      logs: [{ torn: 0, unsigned: [] }],
    })
  })

  it('has the same answer for a crash at every byte of the last two lines', async () => {
    for (let cut = 0; cut < 1_400; cut += 13) {
      const { log, crash } = crashable()
      const first = await open(log, { checkpointEvery: 3 })
      for (let n = 0; n < 5; n++) first.append(draft(n))
      await crash(cut)
      const left = await checked(log)
      expect([cut, left.verdict, left.problems]).toEqual([cut, 'unanchored', []])
      const second = await open(log, { checkpointEvery: 3 })
      await second.close()
      expect([cut, await checked(log, second.checkpointNote)]).toMatchObject([cut, { verdict: 'ok', problems: [] }])
    }
  })

  it('says which records of a batch had no signature when the process ended', async () => {
    const { log, crash } = crashable()
    const first = await open(log, { batchMs: 5 })
    for (let n = 0; n < 3; n++) first.append(draft(n))
    await crash()
    const second = await open(log, { batchMs: 5 })
    await second.close()
    const { verdict, logs } = await checked(log, second.checkpointNote)
    expect([verdict, logs[0]!.unsigned]).toEqual(['ok', [{ from: 1, to: 3, recovered: true }]])
  })

  it('leaves a log alone that is not sound, is by another key, or of another agent, and begins a new one', async () => {
    const { log, crash } = crashable()
    const first = await open(log)
    first.append(draft(1))
    await crash()
    const other = await open(log, { signer: generateSigningKey() })
    expect(other.id).not.toBe(first.id)
    expect(linesIn(await bytesOf(log, first.id))).toHaveLength(2)
  })

  it('makes a new log where the old one was closed', async () => {
    const { log, crash } = crashable()
    const first = await open(log)
    await first.close()
    const second = await open(log)
    expect(second.id).toBe(`${first.id}-2`)
    await crash()
  })

  it.each([0, 40])('ends a log that was closed but for its checkpoint, of which %i bytes are there', async rest => {
    const dir = folder()
    const log = fileLog({ dir })
    const first = await open(log)
    const lock = readFileSync(join(dir, 'log', first.id, 'lock-1'))
    await first.append(draft(1)).durable
    await first.close()
    const bytes = await bytesOf(log, first.id)
    truncateSync(join(dir, 'log', first.id, 'records.jsonl'), bytes.lastIndexOf('{"checkpoint"') + rest)
    writeFileSync(join(dir, 'log', first.id, 'lock-1'), lock)
    orphan(dir, first.id)
    expect(await checked(log)).toMatchObject({ verdict: 'unanchored', problems: [] })
    await (await open(log)).close()
    expect(await checked(log, first.checkpointNote)).toMatchObject({ verdict: 'unanchored', problems: [], records: 5 })
    expect([await log.state(first.id), await bytesOf(log, first.id)]).toEqual(['done', bytes])
  })

  it('takes what a crash before the first record has left', async () => {
    const { log, crash } = crashable()
    const first = await open(log)
    const { length } = await bytesOf(log, first.id)
    await crash(length - 10)
    const second = await open(log)
    expect(second.id).toBe(first.id)
    await second.close()
    expect(await checked(log, second.checkpointNote)).toMatchObject({ verdict: 'ok', records: 2 })
  })

  it('does so in files', async () => {
    const dir = folder()
    const log = fileLog({ dir })
    const first = await open(log)
    await Promise.all([0, 1, 2].map(n => first.append(draft(n)).durable))
    const path = join(dir, 'log', first.id, 'records.jsonl')
    orphan(dir, first.id)
    truncateSync(path, readFileSync(path).length - 7)
    const second = await open(log)
    expect(second.id).toBe(first.id)
    await second.append(draft(3)).durable
    await second.close()
    expect(readdirSync(join(dir, 'log', first.id))).toEqual(['records.jsonl'])
    expect(await checked(log, second.checkpointNote)).toMatchObject({ verdict: 'ok', records: 6, problems: [] })
  })

  it('does not let two write to one log', async () => {
    const log = fileLog({ dir: folder() })
    const [one, two] = await Promise.all([open(log), open(log)])
    expect(one.id).not.toBe(two.id)
    await Promise.all([one.close(), two.close()])
    expect((await checked(log, [one.checkpointNote, two.checkpointNote])).verdict).toBe('ok')
  })
})

describe('LogWriter, with another key', () => {
  it('goes over by a record that both sign, and to keys of the configuration alone', async () => {
    const log = memoryLog()
    const next = generateSigningKey()
    const writer = await open(log)
    writer.append(draft(1))
    await writer.rotate(next)
    writer.append(draft(2))
    await writer.close()
    const with_ = (publicKey: string[]) => verifyLogs(log, { publicKey, checkpoint: writer.checkpointNote })
    expect(await with_([signer.publicKey, next.publicKey])).toMatchObject({ verdict: 'ok', records: 5, problems: [] })
    expect((await with_([signer.publicKey])).problems[0]).toMatchObject({ why: 'anchor' })
    expect((await with_([next.publicKey])).problems[0]).toMatchObject({ why: 'key', seq: 0 })
  })

  it('refuses the old key after the change, the new one before it, and a change that only one has signed', async () => {
    const log = memoryLog()
    const next = generateSigningKey()
    const writer = await open(log)
    await writer.rotate(next)
    writer.append(draft(1))
    await writer.close()
    const lines = linesIn(await bytesOf(log, writer.id))
    const { holding, joined } = await import('./log-rig.js')
    const words = async (changed: string[]) => {
      const { problems } = await verifyLogs(holding({ [writer.id]: joined(changed) }), { publicKey: [signer.publicKey, next.publicKey] })
      return problems.map(({ why, seq }) => [why, seq])
    }
    const without = lines.with(1, lines[1]!.replace(/,"cosig":\{[^}]*\}/, ''))
    expect((await words(without))[0]).toEqual(['signature', 1])
    expect(await words(lines.toSpliced(1, 1))).toContainEqual(['key', 2])
  })
})

describe('LogWriter, where it cannot write', () => {
  it('says so when it is opened', async () => {
    const dir = folder()
    mkdirSync(join(dir, 'x'))
    const path = join(dir, 'file')
    writeFileSync(path, '')
    await expect(open(fileLog({ dir: join(path, 'below') }))).rejects.toMatchObject({ code: 'ERR_SIGNING', facts: { errno: 'ENOTDIR' } })
  })
})

describe('a log that is parked', () => {
  const parking = (log: RecordLog, more: Partial<LogWriterOptions> = {}) => open(log, { parkBelow: 10, ...more })
  const eventsIn = async (log: RecordLog, id: string) =>
    linesIn(await bytesOf(log, id)).flatMap(line => /event=\\"(\w+)/.exec(line)?.[1] ?? [])

  it('is gone on with by the next writer, record after record, without a word', async () => {
    const log = memoryLog()
    const notes: string[] = []
    for (let n = 0; n < 3; n++) {
      const writer = await parking(log)
      if (n > 0) expect(writer.head).toMatchObject({ log: writer.id, seq: n })
      writer.append(draft(n))
      await writer.park()
      notes.push(writer.checkpointNote)
    }
    const [id, ...others] = await log.list()
    expect([others, await eventsIn(log, id!)]).toEqual([[], ['opened']])
    expect(await checked(log, notes)).toMatchObject({ verdict: 'ok', records: 4, problems: [] })
    expect((await checked(log, notes.slice(0, 2))).verdict).toBe('unanchored')
  })

  it('takes nothing any more', async () => {
    const writer = await parking(memoryLog())
    const parked = writer.park()
    expect(() => writer.append(draft(1))).toThrow('is closed')
    await parked
    expect(() => writer.append(draft(1))).toThrow('is closed')
    await writer.close()
  })

  it('is closed when it is full, and another is begun', async () => {
    const log = memoryLog()
    for (let n = 0; n < 4; n++) {
      const writer = await parking(log, { parkBelow: 3 })
      writer.append(draft(n))
      await writer.park()
    }
    const [full, next] = await log.list()
    expect(await eventsIn(log, full!)).toEqual(['opened', 'closed'])
    expect(await eventsIn(log, next!)).toEqual(['opened', 'closed'])
    expect((await checked(log)).problems).toEqual([])
  })

  it('is nothing for a writer that keeps a log of its own', async () => {
    const log = memoryLog()
    await (await parking(log)).park()
    await (await open(log)).close()
    expect(await log.list()).toHaveLength(2)
  })

  it.each([
    ['another key', { signer: generateSigningKey() }],
    ['another agent', { agent: { ...agent, id: 'probe-1-000000001' } }],
    ['another way of signing', { batchMs: 5 }],
    ['another distance of checkpoints', { checkpointEvery: 2 }],
  ])('is left alone by a writer with %s', async (_name, more) => {
    const log = memoryLog()
    await (await parking(log)).park()
    const [id] = await log.list()
    const before = await bytesOf(log, id!)
    await (await parking(log, more)).close()
    expect((await bytesOf(log, id!)).equals(before)).toBe(true)
    expect([(await log.list()).length, await log.state(id!)]).toEqual([2, 'done'])
  })

  it('is passed over while another has it: the next older is taken', async () => {
    const log = memoryLog()
    const [a, b] = [await parking(log), await parking(log)]
    await a.park()
    const again = await parking(log)
    expect(again.id).toBe(a.id)
    await Promise.all([again.park(), b.park()])
    expect((await parking(log)).id).toBe(b.id)
  })

  it('is recovered where its writer crashed', async () => {
    const { log, crash } = crashable()
    const writer = await parking(log)
    writer.append(draft(1))
    await crash()
    const next = await parking(log)
    next.append(draft(2))
    await next.park()
    expect(await eventsIn(log, next.id)).toEqual(['opened', 'recovered'])
    expect(await checked(log, next.checkpointNote)).toMatchObject({ verdict: 'ok', problems: [] })
  })

  it('is gone on with under tree heads too', async () => {
    const log = memoryLog()
    for (let n = 0; n < 3; n++) {
      const writer = await parking(log, { batchMs: 5 })
      writer.append(draft(n))
      await writer.park()
    }
    expect(await log.list()).toHaveLength(1)
    expect((await checked(log)).problems).toEqual([])
  })

  it('is left to be recovered where its checkpoint cannot be written', async () => {
    const inner = memoryLog()
    let isFull = false
    const refusing = (handle: LogHandle): LogHandle => ({
      id: handle.id,
      fresh: handle.fresh,
      read: () => handle.read(),
      cut: bytes => handle.cut(bytes),
      append: text => (isFull ? Promise.reject(new Error('full')) : handle.append(text)),
      close: how => handle.close(how),
    })
    const writer = await parking({ ...inner, create: async id => refusing(await inner.create(id)) })
    isFull = true
    await expect(writer.park()).rejects.toMatchObject({ code: 'ERR_SIGNING' })
    expect(await inner.state(writer.id)).toBe('left')
  })
})
