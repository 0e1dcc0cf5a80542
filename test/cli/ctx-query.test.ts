import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadPublicKey, loadSigningKey } from '../../lib/ctx/keys/keys.js'
import { fileLog } from '../../lib/ctx/log/log-file.js'
import { LogWriter } from '../../lib/ctx/log/log-writer.js'
import { verifyLogs } from '../../lib/ctx/verify/verify.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { orphan } from '../ctx/log-rig.js'
import { actx, clearFolders, newFolder, translations } from './recorded.js'
import { runMain } from './run-main.js'

afterAll(clearFolders)

async function initialised(): Promise<string> {
  const folder = newFolder()
  await actx(folder, 'init')
  return folder
}

const logsOf = (folder: string): readonly string[] => readdirSync(join(folder, '.context/log')).sort()
const agent = { id: 'actx', name: 'actx', type: 'command' }

/** The log as another process would hold it. */
const opened = (folder: string, parkBelow = 1_000) =>
  LogWriter.open({
    log: fileLog({ dir: join(folder, '.context') }),
    agent,
    signer: loadSigningKey(join(folder, '.context')),
    clock: new VirtualClock(),
    parkBelow,
  })

const draft = { ctx: '+m note "x"', human: 'Stored note: x', action: 'actx', kind: 'statement', phase: 'note', policy: null } as const

const queried = async (folder: string, statement: string) => {
  const { code, stdout, stderr } = await actx(folder, 'query', '--json', '--', statement)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

/** Under a checkpoint that was kept outside. */
const verdictOf = async (folder: string) => {
  await actx(folder, 'verify', '--save', 'kept', '--allow-unanchored')
  return (await actx(folder, 'verify', '--checkpoint', 'kept')).stdout.trim().split('\n').at(-1)
}

describe('actx query', () => {
  it('prints the sentence and the short digest of what it has written', async () => {
    const folder = await initialised()
    const { code, stdout, stderr } = await actx(folder, 'query', '+m decision #arch "JWT for API, session tokens for WebSocket"')
    const digest = translations(folder, '.json')[0]!.match(/([0-9a-f]{64})\.json$/)![1]!
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(`Stored architecture decision: JWT for API, session tokens for WebSocket\n${digest.slice(0, 12)}\n`)
    expect(await verdictOf(folder)).toBe('ok')
  })

  it('prints the record as JSON, its files too', async () => {
    const folder = await initialised()
    const written = await queried(folder, '+m  note  "a \\"b\\""')
    expect(written).toEqual({
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      ctx: '+m note "a \\"b\\""',
      human: 'Stored note: a "b"',
      signature: expect.stringMatching(/^[\w+/]{86}==$/),
      key: loadSigningKey(join(folder, '.context')).id,
      log: logsOf(folder)[0],
      seq: 1,
      at: expect.any(Number),
      files: Object.fromEntries(['ctx', 'md', 'json'].map(end => [end, translations(folder, `.${end}`)[0]])),
    })
    expect(readFileSync(written.files.ctx, 'utf8')).toBe(`${written.ctx}\n`)
    expect((await actx(folder, 'verify', written.files.json)).code).toBe(0)
  })

  it('goes on with its log, call after call', async () => {
    const folder = await initialised()
    for (const seq of [1, 2, 3]) expect(await queried(folder, `+m note n=${seq}`)).toMatchObject({ seq, log: logsOf(folder)[0] })
    expect(logsOf(folder)).toHaveLength(1)
    expect(await verdictOf(folder)).toBe('ok')
  })

  it('writes a log of its own while another has the first, and goes on with the newer', async () => {
    const folder = await initialised()
    await queried(folder, '+m note n=1')
    const holder = await opened(folder)
    const second = await queried(folder, '+m note n=2')
    expect(second).toMatchObject({ seq: 1, log: logsOf(folder)[1] })
    await holder.park()
    expect(await queried(folder, '+m note n=3')).toMatchObject({ seq: 2, log: second.log })
    expect(await verdictOf(folder)).toBe('ok')
  })

  it('loses nothing where many are called at once', async () => {
    const folder = await initialised()
    const all = await Promise.all(Array.from({ length: 12 }, (_, n) => queried(folder, `+m note n=${n}`)))
    const { records } = JSON.parse((await actx(folder, 'log', '--json')).stdout)
    const written = records.filter(({ kind }: { readonly kind: string }) => kind === 'statement')
    expect(written.map(({ digest }: { readonly digest: string }) => digest).sort()).toEqual(all.map(({ digest }) => digest).sort())
    expect(await verdictOf(folder)).toBe('ok')
  })

  it('recovers a log whose process is gone', async () => {
    const folder = await initialised()
    const left = await opened(folder)
    await left.append(draft).durable
    orphan(join(folder, '.context'), left.id)
    expect(await queried(folder, '+m note n=2')).toMatchObject({ log: left.id, seq: 3 })
    const { records } = JSON.parse((await actx(folder, 'log', '--json')).stdout)
    expect(records[2].ctx).toContain('event="recovered"')
    expect(await verdictOf(folder)).toBe('ok')
  })

  it('closes a log of a thousand records and begins another', async () => {
    const folder = await initialised()
    const full = await opened(folder)
    await Promise.all(Array.from({ length: 998 }, () => full.append(draft).durable))
    await full.park()
    expect(await queried(folder, '+m note n=1')).toMatchObject({ seq: 999, log: full.id })
    expect(await queried(folder, '+m note n=2')).toMatchObject({ seq: 1 })
    const { logs } = await verifyLogs(join(folder, '.context'), { publicKey: loadPublicKey(join(folder, '.context')) })
    expect(logs.map(({ closed, records, problems }) => ({ closed, records, problems }))).toEqual([
      { closed: true, records: 1_001, problems: [] },
      { closed: false, records: 2, problems: [] },
    ])
  })

  it('begins another log when the key was exchanged', async () => {
    const folder = await initialised()
    const first = await queried(folder, '+m note n=1')
    await actx(folder, 'init', '--rotate')
    const second = await queried(folder, '+m note n=2')
    expect([second.seq, second.log === first.log, second.key === first.key]).toEqual([1, false, false])
    expect(await queried(folder, '+m note n=3')).toMatchObject({ seq: 2, log: second.log })
    expect(await verdictOf(folder)).toBe('ok')
    expect(await actx(folder, 'git')).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/\ndone\n$/) })
  })

  it('prints a digest that actx log proves', async () => {
    const folder = await initialised()
    const [, short] = (await actx(folder, 'query', '+m note "x"')).stdout.split('\n')
    const { code, stdout } = await actx(folder, 'log', '--prove', short!)
    writeFileSync(join(folder, 'proof.json'), stdout)
    expect([code, (await actx(folder, 'verify', 'proof.json')).code]).toEqual([0, 0])
  })

  it('leaves a log that was tampered with as it is', async () => {
    const folder = await initialised()
    const { log } = await queried(folder, '+m note n=1')
    const file = join(folder, '.context/log', log, 'records.jsonl')
    const changed = readFileSync(file, 'utf8').replace('n=1', 'n=2')
    writeFileSync(file, changed)
    expect((await queried(folder, '+m note n=3')).log).not.toBe(log)
    expect(readFileSync(file, 'utf8')).toBe(changed)
    expect((await actx(folder, 'verify')).code).toBe(1)
  })

  it('takes a deletion for no option', async () => {
    expect(await queried(await initialised(), '-m old')).toMatchObject({ human: 'Deleted memory "old"' })
    expect((await actx(await initialised(), 'query', '-m old')).code).toBe(0)
  })

  it('lets no statement touch the terminal', async () => {
    expect((await actx(await initialised(), 'query', '+m note "\\u{1b}[2J\\u{202e}"')).stdout).toMatch(/^[ -~]+\n[0-9a-f]{12}\n$/)
  })

  it('points at what is wrong with a statement, and writes nothing', async () => {
    const folder = await initialised()
    expect(await actx(folder, 'query', '+m note "half')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'outrigger: CTX: UNTERMINATED_STRING at 13: found the end; expected a closing "\n  +m note "half\n               ^\n',
    })
    expect(existsSync(join(folder, '.context/log'))).toBe(false)
  })

  it('asks for a key where there is none, and makes nothing', async () => {
    const folder = newFolder()
    expect(await actx(folder, 'query', '+m note')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'outrigger: there is no key to sign with in .context; make one with actx init, or name the folder with --dir\n',
    })
    expect(readdirSync(folder)).toEqual([])
    await actx(folder, 'init', '--dir', 'notes')
    expect((await actx(folder, 'query', '--dir', 'notes', '+m note')).code).toBe(0)
    expect(readdirSync(join(folder, 'notes/log'))).toHaveLength(1)
  })

  it('signs with no key that others could have read', async () => {
    if (!process.geteuid) return
    const folder = await initialised()
    chmodSync(join(folder, '.context/.keys/signing.key'), 0o644)
    const { code, stderr } = await actx(folder, 'query', '+m note')
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('chmod go-rwx') })
    expect(existsSync(join(folder, '.context/log'))).toBe(false)
  })

  it('warns where the files of translations/ cannot be written: the record stands', async () => {
    const folder = await initialised()
    writeFileSync(join(folder, '.context/translations'), 'in the way')
    const { code, stdout, stderr } = await actx(folder, 'query', '--json', '+m note')
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'actx query: warning: it is recorded, but its files in translations/ cannot be written (EEXIST)\n',
    })
    expect(JSON.parse(stdout)).not.toHaveProperty('files')
    expect(await verdictOf(folder)).toBe('ok')
  })

  it('fails where the log cannot be written', async () => {
    const folder = await initialised()
    writeFileSync(join(folder, '.context/log'), 'in the way')
    const { code, stdout, stderr } = await actx(folder, 'query', '+m note')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^outrigger: cannot .*\n$/)
  })

  it('writes no statement once it is interrupted', async () => {
    const folder = await initialised()
    const signal = AbortSignal.abort(new Error('stopped by SIGINT'))
    const { code, stdout } = await runMain(['ctx', 'query', '+m note'], { cwd: folder, signal })
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    const { records } = JSON.parse((await actx(folder, 'log', '--json')).stdout)
    expect(records.map(({ kind }: { readonly kind: string }) => kind)).toEqual(['log'])
    expect(await verdictOf(folder)).toBe('ok')
  })

  it.each([
    [[], "one statement is needed, in quotes: '?k auth'; one that looks like an option stands after --"],
    [['+m', 'note'], "one statement is taken, and here are 2; put quotes round it: '?k auth'"],
    [['--target', 'sql', '+m note'], 'unknown option --target; see outrigger ctx query --help'],
  ])('is wrong use: %j', async (argv, message) => {
    expect(await actx(newFolder(), 'query', ...argv)).toEqual({ code: 2, stdout: '', stderr: `outrigger: ${message}\n` })
  })
})
