import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ToolAction } from 'outrigger'
import { createKeys } from 'outrigger/ctx'
import type { WithApprovalOptions } from 'outrigger/middleware'
import { ApprovalFolder, type WrittenAnswer } from '../../middleware/approval/folder.js'
import { approvalDigest } from '../../middleware/approval/request.js'
import { signedAnswer } from '../../middleware/approval/signed-answer.js'
import { runMain } from '../cli/run-main.js'
import { allowNoUnhandled, failure, settled } from '../core/rig.js'
import { type Asking, asking, came } from './asking.js'

allowNoUnhandled()

let root: string
let dir: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'outrigger-approvals-'))
  dir = join(root, '.context', 'approvals')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const push: ToolAction = { kind: 'tool', name: 'Bash', input: { command: 'git push' } }
const files = () => (existsSync(dir) ? readdirSync(dir).sort() : [])
const open = (options: WithApprovalOptions = {}, around: Parameters<typeof asking>[1] = {}) => asking({ dir, ...options }, around)

/** A request that lies in the folder, and what its action will come to. */
async function lying(made: Asking = open(), action: ToolAction = push) {
  const work = came(made.act(action, 'done'))
  await settled()
  const [request] = made.approvals.list().slice(-1)
  return { ...made, work, request: request! }
}

const answerFile = (id: string) => join(dir, `${id}.answer.json`)
const ignored = (made: Asking) => made.of('layer.degraded').map(({ error }) => error)

describe('withApproval with a folder', () => {
  it('lays a request down for its owner alone, and takes the answer up once', async () => {
    const { work, request, clock, effects } = await lying()
    expect(files()).toEqual([`${request.id}.request.json`])
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    const path = join(dir, files()[0]!)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ v: 1, ...request })
    new ApprovalFolder(dir).answer({ id: request.id, sha256: request.sha256, decision: 'approve', by: 'ada', at: 0 })
    expect(statSync(answerFile(request.id)).mode & 0o777).toBe(0o600)
    expect(effects).toEqual([])
    await clock.advance(250)
    expect(await work).toEqual({ reply: 'done' })
    expect(files()).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('whatever the umask', async () => {
    const before = process.umask(0)
    try {
      const { work, request, approvals } = await lying()
      expect([dir, join(dir, files()[0]!)].map(path => statSync(path).mode & 0o777)).toEqual([0o700, 0o600])
      approvals.deny(request.id)
      await work
    } finally {
      process.umask(before)
    }
  })

  it.each<[string, (made: Awaited<ReturnType<typeof lying>>) => unknown]>([
    ['is answered by sidecar.approvals', ({ approvals, request }) => approvals.deny(request.id)],
    ['is too old', ({ clock }) => clock.advance(600_000)],
    ['is reaped', ({ runtime }) => runtime.reap('over')],
    ['is paused', ({ runtime }) => runtime.pause('stop')],
  ])('leaves nothing there when it %s', async (_, end) => {
    const made = await lying()
    await end(made)
    expect(await made.work).toMatchObject({ code: expect.stringMatching(/^ERR_/) })
    expect(files()).toEqual([])
    expect(made.clock.pending).toBe(0)
  })

  it('many agents of many processes share one folder: no slot is overwritten', async () => {
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, n) => lying(open({}, { name: `agent-${n}` }), { ...push, input: { command: `push ${n}` } })),
    )
    expect(files()).toHaveLength(20)
    const folder = new ApprovalFolder(dir)
    for (const [n, { request }] of all.entries())
      folder.answer({ id: request.id, sha256: request.sha256, decision: n % 2 ? 'approve' : 'deny', at: 0 })
    for (const { clock } of all) await clock.advance(250)
    const ended = await Promise.all(all.map(({ work }) => work))
    expect(ended.map(({ reply }) => reply)).toEqual(all.map((_, n) => (n % 2 ? 'done' : undefined)))
    expect(files()).toEqual([])
  })

  describe('an answer', () => {
    const good = (made: Awaited<ReturnType<typeof lying>>): WrittenAnswer => ({
      id: made.request.id,
      sha256: made.request.sha256,
      decision: 'approve',
      at: 0,
    })
    const json = (value: object) => JSON.stringify({ v: 1, ...value })

    it.each<[string, (made: Awaited<ReturnType<typeof lying>>) => string, RegExp]>([
      ['for another action', made => json({ ...good(made), sha256: approvalDigest({ kind: 'tool', name: 'x' }) }), /is for another action/],
      ['for another request', made => json({ ...good(made), id: '0'.repeat(24) }), /is for another action/],
      ['that is no JSON', () => '{"v":1,', /is not JSON/],
      ['that is empty', () => '', /is not JSON/],
      ['that is null', () => 'null', /does not have the fields/],
      ['of another version', made => JSON.stringify({ ...good(made), v: 2 }), /does not have the fields/],
      ['that decides otherwise', made => json({ ...good(made), decision: 'Approve' }), /does not have the fields/],
      ['without a decision', made => json({ ...good(made), decision: undefined }), /does not have the fields/],
      ['with a field that is unknown', made => json({ ...good(made), also: 1 }), /does not have the fields/],
      ['with __proto__', made => json(good(made)).replace('}', ',"__proto__":{}}'), /does not have the fields/],
      ['that is far too large', made => json({ ...good(made), reason: 'x'.repeat(20_000) }), /is larger than/],
    ])('%s is ignored, told of and gone, and the request waits on', async (_, text, says) => {
      const made = await lying()
      writeFileSync(answerFile(made.request.id), text(made), { mode: 0o600 })
      await made.clock.advance(250)
      expect(ignored(made)).toEqual([expect.stringMatching(says)])
      expect(files()).toEqual([`${made.request.id}.request.json`])
      expect(made.effects).toEqual([])
      new ApprovalFolder(dir).answer(good(made))
      await made.clock.advance(250)
      expect(await made.work).toEqual({ reply: 'done' })
    })

    it.each<[string, (path: string, text: string) => void, RegExp]>([
      [
        'that others may write',
        (path, text) => {
          writeFileSync(path, text)
          chmodSync(path, 0o666)
        },
        /open to other users \(mode 666\)/,
      ],
      [
        'that is a link',
        (path, text) => {
          writeFileSync(join(root, 'elsewhere'), text, { mode: 0o600 })
          symlinkSync(join(root, 'elsewhere'), path)
        },
        /cannot be read \(ELOOP\)/,
      ],
      ['that is a folder', path => mkdirSync(path), /is not a regular file|EISDIR/],
    ])('%s is ignored', async (_, lay, says) => {
      const made = await lying()
      lay(answerFile(made.request.id), json(good(made)))
      await made.clock.advance(250)
      expect(ignored(made)).toEqual([expect.stringMatching(says)])
      expect(made.effects).toEqual([])
      made.approvals.deny(made.request.id)
      await made.work
    })

    it('to a request that others have is left to them; what belongs to nobody is told of once', async () => {
      const first = await lying(open({}, { name: 'one' }))
      const second = await lying(open({}, { name: 'two' }))
      new ApprovalFolder(dir).answer(good(second))
      writeFileSync(answerFile('f'.repeat(24)), '{}')
      writeFileSync(join(dir, 'note.txt'), 'hello')
      await first.clock.advance(1_000)
      expect(ignored(first)).toEqual([
        `withApproval ignores ${'f'.repeat(24)}.answer.json belongs to no request`,
        'withApproval ignores note.txt belongs to no request',
      ])
      expect(existsSync(answerFile(second.request.id))).toBe(true)
      await second.clock.advance(250)
      expect(await second.work).toEqual({ reply: 'done' })
      expect(first.effects).toEqual([])
      first.approvals.deny(first.request.id)
      await first.work
    })

    it('that was kept and laid down again is good for nothing (P34)', async () => {
      const made = await lying()
      const answer = good(made)
      new ApprovalFolder(dir).answer(answer)
      const kept = readFileSync(answerFile(answer.id))
      await made.clock.advance(250)
      await made.work
      const again = await lying(made)
      writeFileSync(answerFile(answer.id), kept, { mode: 0o600 })
      writeFileSync(answerFile(again.request.id), kept, { mode: 0o600 })
      await made.clock.advance(250)
      expect(made.effects).toHaveLength(1)
      expect(ignored(made)).toEqual(expect.arrayContaining([expect.stringMatching(/is for another action/)]))
      made.approvals.deny(again.request.id)
      await again.work
    })
  })

  it('that others may write is refused, and with it the action', async () => {
    mkdirSync(dir, { recursive: true })
    chmodSync(dir, 0o777)
    const made = open()
    expect(await failure(made.act(push))).toMatchObject({
      code: 'ERR_LAYER',
      cause: { message: expect.stringMatching(/open to other users/) },
    })
    expect([made.effects, made.approvals.list(), made.clock.pending]).toEqual([[], [], 0])
  })

  it('that is a link is refused', async () => {
    mkdirSync(join(root, 'elsewhere'), { mode: 0o700 })
    mkdirSync(join(root, '.context'))
    symlinkSync(join(root, 'elsewhere'), dir)
    expect(await failure(open().act(push))).toMatchObject({ cause: { message: expect.stringMatching(/is not a folder of its own/) } })
  })

  it.each<[string, ToolAction]>([
    ['a file tool', { kind: 'tool', name: 'Write', input: { file_path: 'APPROVALS/x.answer.json' } }],
    ['a command', { kind: 'tool', name: 'Bash', input: { command: 'echo {} > "APPROVALS"/x.answer.json' } }],
    ['a tool that nobody knows', { kind: 'tool', name: 'save', input: { deep: [{ to: 'APPROVALS' }] } }],
    ['a command that answers', { kind: 'tool', name: 'Bash', input: { command: 'npx outrigger approve 0123' } }],
    ['one in quotes', { kind: 'tool', name: 'Bash', input: { command: "cd /; out'rigg'er --x 'app''rove' 0123" } }],
  ])('is out of reach of %s, whatever else is approved', async (_, action) => {
    const input = JSON.parse(JSON.stringify(action.input).replaceAll('APPROVALS', dir))
    const made = asking({ dir, ask: () => 'approve', when: () => false })
    expect(await came(made.act({ ...action, input }))).toMatchObject({
      ruleId: 'approval',
      details: 'it addresses what answers come by',
    })
    expect(made.effects).toEqual([])
    expect(await came(made.act({ kind: 'tool', name: 'Read', input: { file_path: join(root, 'notes') } }))).toMatchObject({})
    expect(made.effects).toHaveLength(1)
  })
})

describe('answers that must be signed', () => {
  const ada = createKeysIn('ada')
  const eve = createKeysIn('eve')
  afterAll(() => {
    for (const { folder } of [ada, eve]) rmSync(folder, { recursive: true, force: true })
  })

  async function asked() {
    const made = await lying(open({ approvers: [ada.key.publicKey] }))
    const answer: WrittenAnswer = { id: made.request.id, sha256: made.request.sha256, decision: 'approve', by: 'ada', at: 5 }
    const lay = (given: object) => writeFileSync(answerFile(made.request.id), JSON.stringify({ v: 1, ...given }), { mode: 0o600 })
    return { ...made, answer, lay }
  }

  it.each<[string, (answer: WrittenAnswer) => WrittenAnswer]>([
    ['without a signature', answer => answer],
    ['signed by another', answer => signedAnswer(answer, eve.key)],
    ['signed by another in her name', answer => ({ ...signedAnswer(answer, eve.key), key: ada.key.publicKey })],
    [
      'of which another decision was signed',
      answer => ({ ...signedAnswer({ ...answer, decision: 'deny' }, ada.key), decision: 'approve' }),
    ],
    [
      'of which another action was signed',
      answer => ({ ...signedAnswer({ ...answer, sha256: '0'.repeat(64) }, ada.key), sha256: answer.sha256 }),
    ],
    ['of which another request was signed', answer => ({ ...signedAnswer({ ...answer, id: '0'.repeat(24) }, ada.key), id: answer.id })],
    ['of which another name was signed', answer => ({ ...signedAnswer(answer, ada.key), by: 'root' })],
    ['with half a signature', answer => ({ ...signedAnswer(answer, ada.key), signature: 'AAAA' })],
    ['with a key that is none', answer => ({ ...signedAnswer(answer, ada.key), key: 'x' })],
  ])('count for nothing %s', async (_, change) => {
    const made = await asked()
    made.lay(change(made.answer))
    await made.clock.advance(250)
    expect(made.effects).toEqual([])
    expect(ignored(made)).toEqual([expect.stringContaining('is not signed by one who may answer')])
    made.lay(signedAnswer(made.answer, ada.key))
    await made.clock.advance(250)
    expect(await made.work).toEqual({ reply: 'done' })
  })

  it('are signed by outrigger approve --key', async () => {
    const made = await asked()
    const { id } = made.request
    const run = (...args: readonly string[]) => runMain(['approve', ...args], { cwd: root, env: {}, clock: made.clock })
    expect(await run(id, '--key', join(root, 'nowhere'))).toMatchObject({ code: 1, stderr: expect.stringContaining('nowhere') })
    expect(await run(id, '--key', ada.folder)).toMatchObject({ code: 0, stderr: '' })
    await made.clock.advance(250)
    expect(await made.work).toEqual({ reply: 'done' })
  })

  it.each<[string, object, RegExp]>([
    ['without a folder', { approvers: [ada.key.publicKey] }, /give dir too/],
    ['by nobody', { dir: 'x', approvers: [] }, /list of public keys/],
    ['by a key that is none', { dir: 'x', approvers: ['AAAA'] }, /list of public keys/],
  ])('cannot be asked for %s', (_, options, says) => {
    expect(() => asking(options)).toThrow(says)
  })
})

function createKeysIn(name: string) {
  const folder = mkdtempSync(join(tmpdir(), `outrigger-${name}-`))
  return { folder, key: createKeys(folder) }
}

describe('outrigger approve', () => {
  const approve = (made: { readonly clock: Asking['clock'] } | undefined, ...args: readonly string[]) =>
    runMain(['approve', ...args], { cwd: root, env: { USER: 'ada' }, ...(made && { clock: made.clock }) })

  it('lists what waits, with all that would be approved, and answers', async () => {
    const made = await lying(open(), { ...push, input: { command: 'printf "\u001b[2Kls\u202e"\n' } })
    const { id } = made.request
    await made.clock.advance(30_000)
    expect(await approve(made)).toEqual({
      code: 0,
      stderr: '',
      stdout: `${id}  9 min left  probe (probe-1)\n  tool Bash {"command":"printf \\"\\u001b[2Kls\\u202e\\"\\n"}\n`,
    })
    expect(JSON.parse((await approve(made, '--json')).stdout)).toEqual({
      dir,
      requests: [{ ...made.request, expired: false }],
      unfit: [],
    })
    expect(await approve(made, id)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^approved: tool Bash /) })
    expect(await approve(made, id, '--deny')).toMatchObject({ code: 1, stderr: expect.stringContaining('has been answered already') })
    await made.clock.advance(250)
    expect(await made.work).toEqual({ reply: 'done' })
    expect(made.of('approval').at(-1)).toMatchObject({ phase: 'approved', by: 'ada' })
    expect((await approve(made)).stdout).toBe('nothing waits\n')
  })

  it('denies with a reason', async () => {
    const made = await lying()
    const { id, sha256 } = made.request
    const { stdout } = await approve(made, id, '--deny', '--reason', 'not today', '--by', 'bob', '--json', '--dir', '.context/approvals')
    expect(JSON.parse(stdout)).toEqual({ id, sha256, decision: 'deny', by: 'bob', reason: 'not today' })
    await made.clock.advance(250)
    expect(await made.work).toMatchObject({ details: 'denied by bob: not today' })
  })

  it('says why it is asked', async () => {
    const { rules } = await import('outrigger/policy')
    const made = await lying(open({ when: [rules.tools({ deny: ['Bash'] })] }))
    expect((await approve(made)).stdout).toContain('  because of tools: tool "Bash" is denied\n')
    made.approvals.deny(made.request.id)
    await made.work
  })

  it('does not answer what shows another action than it is bound to', async () => {
    const made = await lying()
    const { id } = made.request
    const path = join(dir, `${id}.request.json`)
    writeFileSync(path, readFileSync(path, 'utf8').replace('git push', 'git pull'))
    const listed = await approve(made)
    expect(listed.stdout).toContain('shows another action than the one that it is bound to; do not answer it')
    expect(listed.stdout).not.toContain('git pull')
    expect(await approve(made, id)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('do not answer it') })
    expect(existsSync(answerFile(id))).toBe(false)
    made.approvals.deny(id)
    await made.work
  })

  it('what was exchanged as a whole is approved for nobody', async () => {
    const made = await lying()
    const { id } = made.request
    const other = { kind: 'tool', name: 'Read', input: {} } as const
    const path = join(dir, `${id}.request.json`)
    writeFileSync(path, JSON.stringify({ v: 1, ...made.request, action: other, sha256: approvalDigest(other) }))
    expect(await approve(made, id)).toMatchObject({ code: 0 })
    await made.clock.advance(250)
    expect(made.effects).toEqual([])
    expect(ignored(made)).toEqual([expect.stringContaining('is for another action')])
    made.approvals.deny(id)
    await made.work
  })

  it('an answer to a request that goes meanwhile is too late', async () => {
    const made = await lying()
    const folder = new ApprovalFolder(dir)
    const { id, sha256 } = folder.request(made.request.id)
    made.approvals.deny(id)
    await made.work
    expect(() => folder.answer({ id, sha256, decision: 'approve', at: 0 })).toThrow(/came too late/)
    expect(files()).toEqual([])
  })

  it('shows what has expired, which a process left that is no more, and does not answer it', async () => {
    const made = await lying()
    const { clock } = made
    const later = { clock: { ...clock, now: () => made.request.expiresAt + 5_000 } as never }
    expect((await approve(later)).stdout).toContain('  expired  probe')
    expect(JSON.parse((await approve(later, '--json')).stdout).requests).toMatchObject([{ expired: true }])
    expect(await approve(later, made.request.id)).toMatchObject({ code: 1, stderr: expect.stringContaining('expired 5 s ago') })
    made.approvals.deny(made.request.id)
    await made.work
  })

  it.each<[string, readonly string[], number, string]>([
    ['an id that is none', ['../../etc'], 2, '24 hex digits'],
    ['an id that nobody has', ['0'.repeat(24)], 1, 'no request'],
    ['a denial of nothing', ['--deny'], 2, '--deny needs the id of a request'],
    ['an option that is unknown', ['--allow'], 2, 'unknown option --allow'],
    ['two ids', ['0'.repeat(24), '1'.repeat(24)], 2, 'unexpected argument'],
  ])('refuses %s', async (_, args, code, says) => {
    expect(await approve(undefined, ...args)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(says) })
  })

  it('has nothing to list where there is no folder', async () => {
    expect(await approve(undefined)).toEqual({ code: 0, stdout: 'nothing waits\n', stderr: '' })
  })
})
