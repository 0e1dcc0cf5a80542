import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatCheckpoint } from '../../lib/ctx/tree/checkpoint.js'
import { signCheckpoint } from '../../lib/ctx/log/log-checkpoint.js'
import { fileLog } from '../../lib/ctx/log/log-file.js'
import { noteSigner, signNote } from '../../lib/ctx/tree/note.js'
import { generateSigningKey } from '../../lib/ctx/keys/signing-key.js'
import { verifyLogs } from '../../lib/ctx/verify/verify.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { agent, clearFolders, folder, holding, joined, linesIn, signer, verified, type Written, writtenLog } from './log-rig.js'

afterAll(clearFolders)

const { publicKey } = signer
const wordsOf = (problems: readonly { readonly why: string }[]): string[] => [...new Set(problems.map(({ why }) => why))]

describe('verifyLogs, with checkpoints that were kept outside', () => {
  let log: Written
  let origin: string
  let root: string
  let earlier: string
  beforeAll(async () => {
    log = await writtenLog(12, { checkpointEvery: 5 })
    const [name, , hash] = log.checkpoint.split('\n')
    origin = name!
    root = hash!
    earlier = JSON.parse(linesIn(log.bytes)[5]!).checkpoint
  })
  /** Signed by the right key under the right name, whatever it says. */
  const note = (...lines: string[]): string => signNote(`${lines.join('\n')}\n`, [noteSigner(origin, signer)])
  const with_ = (checkpoint: string | readonly string[]) => verified(log.id, log.bytes, { checkpoint })

  it('takes the one that was signed', async () => {
    expect(note(origin, '12', root)).toBe(log.checkpoint)
    expect(await with_(note(origin, '12', root))).toMatchObject({ verdict: 'ok', problems: [] })
  })

  it.each<[string, () => string]>([
    ['a leading zero in its size', () => note(origin, '012', root)],
    ['a negative size', () => note(origin, '-12', root)],
    ['a sign in front of its size', () => note(origin, '+12', root)],
    ['2^64 as its size', () => note(origin, '18446744073709551616', root)],
    ['2^53 as its size', () => note(origin, '9007199254740992', root)],
    ['a size that no integer is read from', () => note(origin, '1e1', root)],
    ['words for a size', () => note(origin, 'twelve', root)],
    ['no blank line', () => log.checkpoint.replace('\n\n', '\n')],
    ['an origin with a newline', () => note(`${origin.slice(0, 9)}\n${origin.slice(9)}`, '12', root)],
    ['an origin with a plus', () => note(origin.replace('-', '+'), '12', root)],
    ['an origin with a space', () => note(origin.replace('-', ' '), '12', root)],
    ['the origin of nothing that we write', () => note(origin.replace('outrigger', 'another'), '12', root)],
    ['a pattern for an origin', () => note('outrigger.record/.*', '12', root)],
    ['a pattern for the name of its key', () => log.checkpoint.replace(`— ${origin}`, '— .*')],
    ['a short root', () => note(origin, '12', root.slice(4))],
    ['an unknown signer only', () => signCheckpoint({ log: log.id, size: 12, root: '0'.repeat(64) }, generateSigningKey())],
    ['a witness as its only signer', () => signNote(`${origin}\n12\n${root}\n`, [noteSigner('witness', signer)])],
    ['a signature line that is none', () => `${log.checkpoint}— ${origin} AAAA\n`],
    ['a signature by the key that is wrong', () => log.checkpoint.replace(`\n12\n`, '\n11\n')],
    ['nothing but a name', () => 'outrigger.record/\n'],
  ])('is bad, and throws nothing, where one has %s', async (_what, make) => {
    const { verdict, problems } = await with_(make())
    expect([verdict, wordsOf(problems)]).toEqual(['bad', ['anchor']])
    const both = await with_([make(), log.checkpoint])
    expect([both.verdict, wordsOf(both.problems)]).toEqual(['bad', ['anchor']])
  })

  it('takes one that others have signed too, and one of a key whose name has two ids', async () => {
    const [stranger, next] = [generateSigningKey(), generateSigningKey()]
    const checkpoint = { origin, size: 12, root: Buffer.from(root, 'base64') }
    const others = [noteSigner('witness', stranger), noteSigner(origin, next), noteSigner(origin, signer)]
    expect(await with_(formatCheckpoint(checkpoint, others))).toMatchObject({ verdict: 'ok', problems: [] })
    const keys = { publicKey: [publicKey, next.publicKey], checkpoint: formatCheckpoint(checkpoint, others) }
    expect(await verifyLogs(holding({ [log.id]: log.bytes }), keys)).toMatchObject({ verdict: 'ok' })
  })

  it('takes an older one beside the newest, and knows a log that was set back to the older one', async () => {
    expect((await with_([earlier, log.checkpoint])).verdict).toBe('ok')
    const back = joined(linesIn(log.bytes).slice(0, 6))
    const checkpoint = [earlier, log.checkpoint]
    expect(wordsOf((await verified(log.id, back, { checkpoint })).problems)).toEqual(['missing'])
    // Only the newest that somebody has kept tells.
    expect((await verified(log.id, back, { checkpoint: earlier })).verdict).toBe('ok')
  })

  it('knows a view that was split: other records under a checkpoint of the same size', async () => {
    const other = await writtenLog(12, { checkpointEvery: 5, agent: { ...agent, name: 'other' } })
    expect(other.id).toBe(log.id)
    for (const shown of [log.bytes, other.bytes]) {
      const { verdict, problems } = await verified(log.id, shown, { checkpoint: [log.checkpoint, other.checkpoint] })
      expect([verdict, wordsOf(problems)]).toEqual(['bad', ['split', 'anchor']])
    }
    expect(wordsOf((await verified(log.id, log.bytes, { checkpoint: other.checkpoint })).problems)).toEqual(['anchor'])
    const gone = await verifyLogs(holding({}), { publicKey, checkpoint: [log.checkpoint, other.checkpoint] })
    expect(wordsOf(gone.problems)).toEqual(['split', 'missing'])
  })
})

describe('verifyLogs, where an old log is put in the place of a new one', () => {
  const at = (dir: string, id: string): string => join(dir, 'log', id, 'records.jsonl')
  const checked = (dir: string, checkpoint: readonly string[]) => verifyLogs(dir, { publicKey, checkpoint })

  /** Two logs of one agent, one after the other, in files. */
  async function two(): Promise<{ readonly dir: string; readonly old: Written; readonly now: Written }> {
    const dir = folder()
    const clock = new VirtualClock()
    const old = await writtenLog(6, { log: fileLog({ dir }), clock })
    await clock.advance(60_000)
    return { dir, old, now: await writtenLog(9, { log: fileLog({ dir }), clock }) }
  }

  it('finds it under the name of the new one', async () => {
    const { dir, old, now } = await two()
    writeFileSync(at(dir, now.id), readFileSync(at(dir, old.id)))
    const { verdict, problems } = await checked(dir, [now.checkpoint])
    expect([verdict, wordsOf(problems)]).toEqual(['bad', expect.arrayContaining(['log', 'missing'])])
    expect((await checked(dir, [])).verdict).toBe('bad')
  })

  it('finds it alone, with a checkpoint of the new one', async () => {
    const { dir, old, now } = await two()
    rmSync(join(dir, 'log', now.id), { recursive: true })
    expect((await checked(dir, [old.checkpoint, now.checkpoint])).problems).toMatchObject([{ log: now.id, why: 'missing' }])
    expect((await checked(dir, [])).verdict).toBe('unanchored')
  })

  it('finds a copy of it under a name of its own', async () => {
    const { dir, old, now } = await two()
    const copy = `${old.id}-2`
    mkdirSync(join(dir, 'log', copy))
    cpSync(at(dir, old.id), at(dir, copy))
    expect(readdirSync(join(dir, 'log'))).toHaveLength(3)
    const { verdict, problems } = await checked(dir, [old.checkpoint, now.checkpoint])
    expect([verdict, wordsOf(problems), new Set(problems.map(({ log }) => log))]).toEqual([
      'bad',
      expect.arrayContaining(['log']),
      new Set([copy]),
    ])
  })
})
