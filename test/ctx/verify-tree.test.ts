import { memoryLog } from '../../lib/ctx/log/log-memory.js'
import { LogWriter } from '../../lib/ctx/log/log-writer.js'
import { verifyLogs } from '../../lib/ctx/verify/verify.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { agent, bytesOf, draft, holding, joined, linesIn, signer } from './log-rig.js'

const { publicKey } = signer

interface Tree {
  readonly bytes: Readonly<Record<'parent' | 'child' | 'grandchild', Buffer>>
  readonly id: Readonly<Record<'parent' | 'child' | 'grandchild', string>>
  readonly notes: readonly string[]
}

/** Three logs, each begun by a record of the one before. */
async function tree(name = 'probe', more = {}): Promise<Tree> {
  const log = memoryLog()
  const clock = new VirtualClock()
  const open = (id: string, parent?: LogWriter) =>
    LogWriter.open({ log, agent: { ...agent, name, id }, signer, clock, parent: parent?.head, checkpointEvery: 3, ...more })
  const parent = await open('parent')
  for (let n = 0; n < 4; n++) await parent.append(draft(n)).durable
  const child = await open('child', parent)
  await child.append(draft(5)).durable
  const grandchild = await open('grandchild', child)
  for (const writer of [grandchild, child, parent]) {
    await writer.append(draft(6)).durable
    await writer.close()
  }
  const [a, b, c] = [parent, child, grandchild]
  return {
    bytes: { parent: await bytesOf(log, a.id), child: await bytesOf(log, b.id), grandchild: await bytesOf(log, c.id) },
    id: { parent: a.id, child: b.id, grandchild: c.id },
    notes: [a, b, c].map(({ checkpointNote }) => checkpointNote),
  }
}

/** What verifying the logs comes to, with some of them replaced or gone. */
function checked({ bytes, id }: Tree, changed: Partial<Record<keyof Tree['id'], Buffer | undefined>>, checkpoint: readonly string[] = []) {
  const shown = { ...bytes, ...changed }
  const kept = (Object.keys(id) as (keyof Tree['id'])[]).filter(name => shown[name] !== undefined)
  return verifyLogs(holding(Object.fromEntries(kept.map(name => [id[name], shown[name]!]))), { publicKey, checkpoint })
}

const found = ({ verdict, problems }: Awaited<ReturnType<typeof verifyLogs>>) => [verdict, problems.map(({ log, why }) => [log, why])]

describe('verifyLogs, logs that are a tree', () => {
  let made: Tree
  beforeAll(async () => {
    made = await tree()
  })

  it('walks every log, and finds every link', async () => {
    const { verdict, logs } = await checked(made, {}, made.notes)
    expect([verdict, logs.map(({ verdict, parent }) => [verdict, parent?.log, parent?.found])]).toEqual([
      'ok',
      [
        ['ok', undefined, undefined],
        ['ok', made.id.parent, true],
        ['ok', made.id.child, true],
      ],
    ])
  })

  it('finds a parent that was cut before the record that a child names, without a checkpoint too', async () => {
    const cut = joined(linesIn(made.bytes.parent).slice(0, 3))
    expect(found(await checked(made, { parent: cut }))).toEqual(['bad', [[made.id.child, 'parent']]])
    // Behind it, only a checkpoint tells.
    const later = joined(linesIn(made.bytes.parent).slice(0, 6))
    expect((await checked(made, { parent: later })).verdict).toBe('unanchored')
    expect(found(await checked(made, { parent: later }, made.notes))).toEqual(['bad', [[made.id.parent, 'missing']]])
  })

  it.each(['parent', 'child'] as const)('finds that the holder of the key has written the log of the %s anew', async name => {
    const other = await tree('another')
    expect(other.id).toEqual(made.id)
    const named = name === 'parent' ? 'child' : 'grandchild'
    const links = name === 'parent' ? [[made.id[named], 'parent']] : [...[[made.id.child, 'parent']], [made.id[named], 'parent']]
    expect(found(await checked(made, { [name]: other.bytes[name] }))).toEqual(['bad', links])
  })

  it('is not sure of a child whose parent is gone, and knows it with a checkpoint of the parent', async () => {
    const [parentNote, ...others] = made.notes
    const alone = await checked(made, { parent: undefined }, others)
    expect([alone.verdict, alone.problems]).toEqual(['unanchored', []])
    expect(alone.logs.map(({ verdict, parent }) => [verdict, parent?.found])).toEqual([
      ['unanchored', false],
      ['ok', true],
    ])
    expect(found(await checked(made, { parent: undefined }, [parentNote!]))).toEqual(['bad', [[made.id.parent, 'missing']]])
  })

  it('does not ask for the parent of a log that is asked about alone', async () => {
    const { id, bytes, notes } = made
    const options = { publicKey, checkpoint: notes[1]!, logs: [id.child] }
    expect(await verifyLogs(holding({ [id.child]: bytes.child }), options)).toMatchObject({
      verdict: 'ok',
      logs: [{ parent: { found: false } }],
    })
  })

  it.each([
    ['that is another', (seq: number) => ({ seq, leaf: 'f'.repeat(64) })],
    ['of a record that is not there', () => ({ seq: 900, leaf: 'f'.repeat(64) })],
    ['of another record', (seq: number, leaf: string) => ({ seq: seq - 1, leaf })],
  ])('finds a child that names a leaf %s, and blames no other child', async (_what, wrong) => {
    const log = memoryLog()
    const clock = new VirtualClock()
    const open = (id: string, parent?: LogWriter['head']) => LogWriter.open({ log, agent: { ...agent, id }, signer, clock, parent })
    const parent = await open('parent')
    await parent.append(draft(1)).durable
    const { head } = parent
    const good = await open('good', head)
    const bad = await open('bad', { log: head!.log, ...wrong(head!.seq, head!.leaf) })
    const twin = await open('twin', head)
    await Promise.all([parent, good, bad, twin].map(writer => writer.close()))
    const { logs, verdict } = await verifyLogs(log, { publicKey })
    expect(verdict).toBe('bad')
    expect(Object.fromEntries(logs.map(report => [report.log, [report.verdict, report.parent?.found]]))).toEqual({
      [parent.id]: ['unanchored', undefined],
      [good.id]: ['unanchored', true],
      [bad.id]: ['bad', false],
      [twin.id]: ['unanchored', true],
    })
  })
})
