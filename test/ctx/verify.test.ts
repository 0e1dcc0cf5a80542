import { canonicalJson } from '../../lib/ctx/canonical-json.js'
import { logEvent } from '../../lib/ctx/log/log-event.js'
import { checkpointLine, type RecordBody, recordBody, recordFrame, recordLine, sealRecord } from '../../lib/ctx/record/record.js'
import { readLine, type ReadRecord } from '../../lib/ctx/log/log-reader.js'
import { signCheckpoint } from '../../lib/ctx/log/log-checkpoint.js'
import { memoryLog } from '../../lib/ctx/log/log-memory.js'
import { LogWriter } from '../../lib/ctx/log/log-writer.js'
import { generateSigningKey } from '../../lib/ctx/keys/signing-key.js'
import { TreeFrontier } from '../../lib/ctx/tree/tree-frontier.js'
import { verifyLogs } from '../../lib/ctx/verify/verify.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { agent, bytesOf, draft, holding, joined, linesIn, signer, verified, type Written, writtenLog } from './log-rig.js'

const isRecord = (line: string): boolean => line.startsWith('{"body"')
const wordsOf = (problems: readonly { readonly why: string }[]): string[] => [...new Set(problems.map(({ why }) => why))]

/** Signs lines anew as somebody would who has the key: numbers, chain, digests and tree are right. */
function resigned(id: string, bodies: readonly ReadRecord['body'][], key = signer): Buffer {
  const tree = new TreeFrontier()
  const frame = recordFrame({ agent: agent.id, key: key.id, log: id })
  let prev = '0'.repeat(64)
  const lines = bodies.map((body, seq) => {
    const text = recordBody(frame, { ...body, seq, prev }, body)
    const { encoded, leaf } = sealRecord(text)
    prev = leaf
    tree.append(leaf)
    return recordLine(text, Buffer.from(key.sign(encoded)).toString('base64'))
  })
  return joined([...lines, checkpointLine(signCheckpoint({ log: id, size: lines.length, root: tree.root() }, key))])
}

const bodiesIn = (bytes: Buffer): ReadRecord['body'][] =>
  linesIn(bytes)
    .filter(isRecord)
    .map(line => (readLine({ bytes: Buffer.from(line), tooLong: false }) as ReadRecord).body)

function flipped(bytes: Buffer, bit: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[bit >> 3]! ^= 1 << (bit & 7)
  return changed
}

describe('verifyLogs', () => {
  let log: Written
  beforeAll(async () => {
    log = await writtenLog(20, { checkpointEvery: 8 })
  })

  it('finds a whole log ok with its last checkpoint, and unanchored without one', async () => {
    const anchored = await verified(log.id, log.bytes, { checkpoint: log.checkpoint })
    expect(anchored).toMatchObject({
      verdict: 'ok',
      records: 20,
      problems: [],
      logs: [{ log: log.id, closed: true, torn: 0, unsigned: [] }],
    })
    expect(await verified(log.id, log.bytes)).toMatchObject({ verdict: 'unanchored', records: 20, problems: [] })
  })

  it('gives the newest checkpoint, to be kept outside', async () => {
    const [report] = (await verified(log.id, log.bytes)).logs
    expect(report!.checkpoint).toBe(log.checkpoint)
    expect(linesIn(log.bytes).filter(line => !isRecord(line))).toHaveLength(3)
  })

  it('is ok with an older checkpoint where the log was closed, and not sure where it was not', async () => {
    const [first] = linesIn(log.bytes).filter(line => !isRecord(line))
    const older = (JSON.parse(first!) as { checkpoint: string }).checkpoint
    expect(older).toContain('\n8\n')
    expect((await verified(log.id, log.bytes, { checkpoint: older })).verdict).toBe('ok')
    const open = linesIn(log.bytes).slice(0, 12)
    expect((await verified(log.id, joined(open), { checkpoint: older })).verdict).toBe('unanchored')
  })

  it('takes several checkpoints in one text', async () => {
    const notes = linesIn(log.bytes)
      .filter(line => !isRecord(line))
      .map(line => (JSON.parse(line) as { checkpoint: string }).checkpoint)
    for (const text of [notes.join(''), notes.join('\n'), notes.join('\r\n\r\n')])
      expect(await verified(log.id, log.bytes, { checkpoint: text })).toMatchObject({ verdict: 'ok', problems: [] })
  })

  it('finds every flip of a bit', async () => {
    const small = await writtenLog(3)
    const missed: number[] = []
    for (let bit = 0; bit < small.bytes.length * 8; bit += 5)
      if ((await verified(small.id, flipped(small.bytes, bit))).verdict !== 'bad') missed.push(bit)
    expect(missed).toEqual([])
  })

  it('finds flips all over a longer log', async () => {
    const missed: number[] = []
    for (let bit = 3; bit < log.bytes.length * 8; bit += 251)
      if ((await verified(log.id, flipped(log.bytes, bit))).verdict !== 'bad') missed.push(bit)
    expect(missed).toEqual([])
  })
})

describe('verifyLogs, what is put together anew', () => {
  let log: Written
  let records: string[]
  let checkpoint: string
  beforeAll(async () => {
    log = await writtenLog(12)
    records = linesIn(log.bytes).filter(isRecord)
    checkpoint = linesIn(log.bytes).at(-1)!
  })
  const tried = (lines: readonly string[], options = {}) => verified(log.id, joined([...lines, checkpoint]), options)

  it.each<[string, (lines: string[]) => string[], number]>([
    ['a record is deleted', lines => lines.toSpliced(5, 1), 6],
    ['two are swapped', lines => lines.toSpliced(5, 2, lines[6]!, lines[5]!), 6],
    ['one is there twice', lines => lines.toSpliced(5, 0, lines[5]!), 5],
    ['a block is elsewhere', lines => [...lines.slice(0, 3), ...lines.slice(6, 9), ...lines.slice(3, 6), ...lines.slice(9)], 6],
    ['one of the same log is put in', lines => lines.toSpliced(5, 0, lines[9]!), 9],
    ['the first is missing', lines => lines.slice(1), 1],
    ['the first three are missing', lines => lines.slice(3), 3],
  ])('is bad where %s, and says which', async (_what, change, seq) => {
    const { verdict, problems } = await tried(change(records))
    expect(verdict).toBe('bad')
    expect(problems[0]).toMatchObject({ log: log.id, why: expect.stringMatching(/sequence|chain/), seq })
  })

  it.each([1, 2, 5, 11, 12])('cannot know without an anchor that the last %i are gone, never says ok, and knows with one', async count => {
    const left = joined(records.slice(0, 12 - count))
    expect((await verified(log.id, left)).verdict).toBe('unanchored')
    const anchored = await verified(log.id, left, { checkpoint: log.checkpoint })
    expect([anchored.verdict, anchored.problems[0]!.why]).toEqual(['bad', 'missing'])
  })

  it('knows with an anchor that the whole log is gone', async () => {
    const nothing = await verifyLogs(holding({}), { publicKey: signer.publicKey, checkpoint: log.checkpoint })
    expect(nothing).toMatchObject({ verdict: 'bad', problems: [{ log: log.id, why: 'missing' }] })
    expect((await verifyLogs(holding({}), { publicKey: signer.publicKey })).verdict).toBe('unanchored')
  })

  it('refuses a record of another log, and a whole log under the name of another', async () => {
    const other = await writtenLog(12, { agent: { ...agent, id: 'probe-2' } })
    const spliced = records.toSpliced(5, 1, linesIn(other.bytes)[5]!)
    expect(wordsOf((await tried(spliced)).problems)).toContain('log')
    expect(wordsOf((await verified(log.id, other.bytes)).problems)).toContain('log')
  })

  it('refuses what stands behind the end', async () => {
    const writer = await LogWriter.open({ log: memoryLog(), agent, signer, clock: new VirtualClock() })
    const bodies = bodiesIn(log.bytes)
    const longer = resigned(log.id, [...bodies, { ...bodies[3]! }])
    expect(wordsOf((await verified(log.id, longer)).problems)).toEqual(['after-close'])
    await writer.close()
  })

  it('knows a rewriting by one who has the key only with an anchor', async () => {
    const bodies = bodiesIn(log.bytes)
    const { ctx, human } = draft(99)
    const rewritten = resigned(log.id, bodies.with(4, { ...bodies[4]!, ctx, human }))
    expect(await verified(log.id, rewritten)).toMatchObject({ verdict: 'unanchored', problems: [] })
    expect(wordsOf((await verified(log.id, rewritten, { checkpoint: log.checkpoint })).problems)).toEqual(['anchor'])
  })

  it('finds a wrong sentence that the right key has signed', async () => {
    const bodies = bodiesIn(log.bytes)
    const wrong = resigned(log.id, bodies.with(4, { ...bodies[4]!, human: draft(99).human }))
    expect((await verified(log.id, wrong)).problems).toMatchObject([{ why: 'translation', seq: 4, line: 5 }])
    const spelled = resigned(log.id, bodies.with(4, { ...bodies[4]!, ctx: `${bodies[4]!.ctx} ` }))
    expect((await verified(log.id, spelled)).problems).toMatchObject([{ why: 'statement', seq: 4 }])
  })

  it('takes its keys from the configuration, never from a record', async () => {
    const forged = resigned(log.id, bodiesIn(log.bytes), generateSigningKey())
    expect(wordsOf((await verified(log.id, forged)).problems)).toContain('key')
    const renamed = records.map(line => line.replace(`"key":"${signer.id}"`, '"key":"other"'))
    expect(wordsOf((await tried(renamed)).problems)).toEqual(expect.arrayContaining(['key', 'chain']))
  })

  it('refuses the signature of another record, and none', async () => {
    const sigOf = (line: string) => (JSON.parse(line) as { sig: string }).sig
    const swapped = records.with(4, records[4]!.replace(sigOf(records[4]!), sigOf(records[5]!)))
    expect((await tried(swapped)).problems).toMatchObject([{ why: 'signature', seq: 4 }])
    const stripped = records.with(4, records[4]!.replace(/,"sig":"[^"]*"/, ''))
    expect((await tried(stripped)).problems).toMatchObject([{ why: 'unsigned', seq: 4 }])
  })

  it('refuses checkpoints that are missing, repeated, of another size, with another signature added, or of another key', async () => {
    const every = await writtenLog(12, { checkpointEvery: 4 })
    const lines = linesIn(every.bytes)
    const at = lines.findIndex(line => !isRecord(line))
    const changes: Record<string, string[]> = {
      missing: lines.toSpliced(at, 1),
      'last missing': lines.slice(0, -1),
      repeated: lines.toSpliced(at, 0, lines[at]!),
      early: lines.toSpliced(at, 1).toSpliced(2, 0, lines[at]!),
      added: lines.with(at, lines[at]!.replace(/\\n"\}$/, '\\n— other.name AAAAAAAAAAA=\\n"}')),
      other: lines.with(at, checkpointLine(signCheckpoint({ log: every.id, size: 4, root: '0'.repeat(64) }, generateSigningKey()))),
      wrong: lines.with(at, checkpointLine(signCheckpoint({ log: every.id, size: 4, root: '0'.repeat(64) }, signer))),
    }
    for (const [what, changed] of Object.entries(changes)) {
      const { problems } = await verified(every.id, joined(changed))
      expect([what, wordsOf(problems)]).toEqual([what, ['checkpoint']])
    }
  })

  it('takes one form of a line only', async () => {
    const line = records[4]!
    const others = [
      line.replace('{"body":', '{ "body":'),
      `${line} `,
      line.replace('"v":1', '"v":1.0'),
      line.replace('"phase":"note"', '"phase":"n\\u006fte"'),
      line.replace('"kind":"tool"', '"kind":"tool","kind":"tool"'),
      line.replace(/^\{("body":.*),("sig":"[^"]*")\}$/, '{$2,$1}'),
      line.replace(/\}$/, ',"more":1}'),
      line.replace('"v":1', '"more":1,"v":1'),
    ]
    for (const other of others) {
      expect(other).not.toBe(line)
      expect(wordsOf((await tried(records.with(4, other))).problems)).toEqual(['unreadable'])
    }
  })

  it('refuses half a line where no crash has left it, and says of one that a crash has left how long it is', async () => {
    const torn = Buffer.concat([joined(records.slice(0, 6)), Buffer.from(records[6]!.slice(0, 50))])
    expect(wordsOf((await verified(log.id, torn)).problems)).toEqual(['torn'])
    const left = await verifyLogs(holding({ [log.id]: torn }, 'left'), { publicKey: signer.publicKey })
    expect(left).toMatchObject({ verdict: 'unanchored', problems: [], logs: [{ torn: 50, records: 6 }] })
  })

  it('refuses the end of a batch that no tree head signs, where no crash has left it', async () => {
    const batch = await writtenLog(8, { batchMs: 1_000 })
    const cut = joined(linesIn(batch.bytes).slice(0, 5))
    expect((await verified(batch.id, cut)).problems).toMatchObject([{ why: 'unsigned' }])
    const left = await verifyLogs(holding({ [batch.id]: cut }, 'left'), { publicKey: signer.publicKey })
    expect(left).toMatchObject({ verdict: 'unanchored', problems: [], logs: [{ unsigned: [{ from: 1, to: 4, recovered: false }] }] })
  })

  it('refuses an end of a batch that somebody without the key has put there, with a closing record', async () => {
    const batch = await writtenLog(8, { batchMs: 1_000, checkpointEvery: 4 })
    const lines = linesIn(batch.bytes).slice(0, 5)
    const { checkpoint } = JSON.parse(lines[4]!) as { checkpoint: string }
    const { body } = JSON.parse(lines[3]!) as { body: RecordBody }
    const place = { seq: 4, prev: sealRecord(canonicalJson(body)).leaf, at: 0, mono: 0 }
    const event = logEvent({ event: 'closed', facts: { records: '5' } })
    const closing = { ...event, action: batch.id, kind: 'log', phase: 'note', policy: null } as const
    const forged = recordLine(recordBody(recordFrame({ agent: body.agent, key: body.key, log: batch.id }), place, closing))
    const left = holding({ [batch.id]: joined([...lines, forged]) }, 'left')
    expect(await verifyLogs(left, { publicKey: signer.publicKey, checkpoint })).toMatchObject({
      verdict: 'bad',
      problems: [{ seq: 4, why: 'unsigned' }],
    })
  })

  it('reads a long text that holds no checkpoint in little time', async () => {
    const text = '— '.repeat(200_000)
    expect(await verified(log.id, log.bytes, { checkpoint: text })).toMatchObject({ verdict: 'bad', problems: [{ why: 'anchor' }] })
  })

  it('refuses an anchor of a stranger, a forged one and no note at all', async () => {
    const stranger = signCheckpoint({ log: log.id, size: 12, root: '0'.repeat(64) }, generateSigningKey())
    for (const checkpoint of [stranger, log.checkpoint.replace('\n12\n', '\n11\n'), 'no note', log.checkpoint.replace('12', '012')])
      expect(wordsOf((await verified(log.id, log.bytes, { checkpoint })).problems)).toEqual(['anchor'])
  })

  it('says of a split view which log it is', async () => {
    const other = signCheckpoint({ log: log.id, size: 12, root: '0'.repeat(64) }, signer)
    expect((await verified(log.id, log.bytes, { checkpoint: [log.checkpoint, other] })).problems).toMatchObject([
      { log: log.id, why: 'split', says: expect.stringContaining('12 records') },
      { log: log.id, why: 'anchor' },
    ])
  })

  it('counts what a revoked key has signed only before its revocation', async () => {
    const revoked = (seq: number) => [{ key: signer.id, log: log.id, seq }]
    expect((await verified(log.id, log.bytes, { revoked: revoked(12), checkpoint: log.checkpoint })).verdict).toBe('ok')
    const { problems } = await verified(log.id, log.bytes, { revoked: revoked(10) })
    expect(problems.map(({ seq }) => seq)).toEqual([10, 11])
    expect(wordsOf(problems)).toEqual(['revoked'])
  })

  it('answers for any bytes, and never throws', async () => {
    const odd = [
      '',
      '\n',
      '\n\n\n',
      '{',
      'null\n',
      '[]\n',
      '{"checkpoint":"x"}\n',
      '\u0000\n',
      `${'['.repeat(100_000)}\n`,
      `{"body":${'{"a":'.repeat(5_000)}`,
    ]
    for (const text of odd) expect((await verified(log.id, text)).verdict).not.toBe('ok')
    expect((await verified(log.id, Buffer.from([0xff, 0xfe, 10, 0xc3, 10]))).problems).toHaveLength(2)
    expect((await verified(log.id, Buffer.alloc(2 ** 24 + 2, 'x'), {})).verdict).toBe('bad')
    expect((await verifyLogs(holding({ a: log.bytes }), { publicKey: signer.publicKey, logs: ['gone'] })).problems).toMatchObject([
      { why: 'unreadable' },
    ])
  })

  it('has an answer for a log of one record, and for numbers at the end of what can be counted', async () => {
    expect(await verified(log.id, joined(records.slice(0, 1)))).toMatchObject({ verdict: 'unanchored', records: 1 })
    const [body] = bodiesIn(log.bytes)
    const frame = recordFrame({ agent: agent.id, key: signer.id, log: log.id })
    for (const seq of [2 ** 53 - 1, 2 ** 53]) {
      const text = recordBody(frame, { ...body!, seq, prev: '0'.repeat(64) }, body!)
      const { encoded } = sealRecord(text)
      const line = recordLine(text, Buffer.from(signer.sign(encoded)).toString('base64'))
      expect((await verified(log.id, joined([line]))).verdict).toBe('bad')
    }
  })

  it('is no record: signed bytes of another type', async () => {
    const [, , , fourth] = bodiesIn(log.bytes)
    const frame = recordFrame({ agent: agent.id, key: signer.id, log: log.id })
    const body = recordBody(frame, { ...fourth!, seq: 12 }, fourth!)
    const sig = Buffer.from(signer.sign(Buffer.from(`DSSEv1 4 note ${body.length} ${body}`))).toString('base64')
    const line = recordLine(body, sig)
    expect(wordsOf((await verified(log.id, joined([...records, line]))).problems)).toContain('signature')
  })
})

describe('verifyLogs, a log and its child', () => {
  it('finds the record of the parent that the child names', async () => {
    const log = memoryLog()
    const clock = new VirtualClock()
    const parent = await LogWriter.open({ log, agent, signer, clock })
    await parent.append(draft(1)).durable
    const child = await LogWriter.open({ log, agent: { ...agent, id: 'child' }, signer, clock, parent: parent.head })
    await Promise.all([parent.close(), child.close()])
    const { logs, verdict } = await verifyLogs(log, { publicKey: signer.publicKey })
    expect(verdict).toBe('unanchored')
    expect(logs.find(({ log: id }) => id === child.id)!.parent).toMatchObject({ log: parent.id, seq: 1, found: true })
    const alone = await verifyLogs(log, { publicKey: signer.publicKey, logs: [child.id] })
    expect(alone.logs[0]!.parent).toMatchObject({ log: parent.id, found: false })
  })

  it.each([
    ['another leaf', { seq: 1, leaf: 'f'.repeat(64) }],
    ['a number behind its end', { seq: 9, leaf: 'f'.repeat(64) }],
  ])('is bad where the child names %s', async (_what, link) => {
    const log = memoryLog()
    const parent = await writtenLog(3, { log })
    await writtenLog(2, { log, agent: { ...agent, id: 'child' }, parent: { log: parent.id, ...link } })
    const { verdict, problems } = await verifyLogs(log, { publicKey: signer.publicKey })
    expect([verdict, problems.map(({ why }) => why)]).toEqual(['bad', ['parent']])
  })

  it('keeps to the bytes that it read: a log that grows meanwhile is not bad', async () => {
    const log = memoryLog()
    const writer = await LogWriter.open({ log, agent, signer, clock: new VirtualClock() })
    await writer.append(draft(1)).durable
    const bytes = await bytesOf(log, writer.id)
    const torn = await verifyLogs(holding({ [writer.id]: bytes.subarray(0, -40) }, 'open'), { publicKey: signer.publicKey })
    expect(torn).toMatchObject({ verdict: 'unanchored', problems: [], logs: [{ records: 1 }] })
    expect(torn.logs[0]!.torn).toBeGreaterThan(0)
    await writer.close()
  })
})
