import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fdatasyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Agent, createSidecar, type Kind, SigningError, UpstreamError, ViolationError } from 'outrigger'
import { claudeAgent } from 'outrigger/claude'
import { generateSigningKey, memoryLog, type RecordBody, type RecordLog, verifyLogs } from 'outrigger/ctx'
import { withBudget, withRetry, withSigning, type WithSigningOptions, withViolations } from 'outrigger/middleware'
import { policyInForce, rules } from 'outrigger/policy'
import { mockModel } from 'outrigger/testing'
import { fileLog } from '../../lib/ctx/log/log-file.js'
import { failure, gate, layer, rig } from '../core/rig.js'
import { bytesOf, clearFolders, folder, linesIn } from '../ctx/log-rig.js'
import { mountedWith } from './guarded.js'
import { turns } from './stack.js'

afterAll(clearFolders)

const kinds: readonly Kind[] = ['send', 'model', 'tool', 'spawn']
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** The bodies of the only log, or of those of one agent. */
async function bodies(log: RecordLog, agent = ''): Promise<RecordBody[]> {
  const ids = (await log.list()).filter(id => id.startsWith(agent))
  const lines = (await Promise.all(ids.map(id => bytesOf(log, id)))).flatMap(linesIn)
  return lines.map(line => JSON.parse(line).body as RecordBody | undefined).filter(body => body !== undefined)
}

const about = (list: readonly RecordBody[]): RecordBody[] => list.filter(({ kind }) => kind !== 'log')

/** A sidecar without an agent behind `withSigning` in memory. */
function signed(options: WithSigningOptions = {}, around: Parameters<typeof mountedWith>[1] = {}) {
  const log = options.log ?? memoryLog()
  const own = withSigning({ log, ...options })
  return { log, own, ...mountedWith(own, around), records: async () => about(await bodies(log)) }
}

/** A disk that does what it is told. */
function brittle() {
  const calls: string[] = []
  const state = { broken: false }
  const use = (call: string) => {
    calls.push(call)
    if (state.broken) throw Object.assign(new Error('no space left'), { code: 'ENOSPC', syscall: call })
  }
  return {
    state,
    calls,
    disk: {
      write: async (fd: number, bytes: Uint8Array) => {
        use('write')
        return writeSync(fd, bytes)
      },
      sync: async (fd: number) => {
        use('sync')
        fdatasyncSync(fd)
      },
    },
  }
}

describe('withSigning', () => {
  it.each(kinds)('writes down the intent of a %s before it and the outcome after it', async kind => {
    const { act, records, log } = signed()
    const seen: unknown[] = []
    const { runtime } = mountedWith(withSigning({ log: memoryLog() }))
    expect(runtime.layers).toHaveLength(1)
    await act(kind, 'what it gave')
    seen.push(...(await records()).map(({ kind, phase, outcome }) => [kind, phase, outcome?.status]))
    expect(seen).toEqual([
      [kind, 'intent', undefined],
      [kind, 'outcome', 'done'],
    ])
    const [intent, outcome] = await records()
    expect(outcome!.ctx.startsWith(intent!.ctx)).toBe(true)
    expect([intent!.action, intent!.policy, intent!.log]).toEqual([outcome!.action, null, (await log.list())[0]])
  })

  it('has the intent on the disk before the effect begins', async () => {
    const dir = folder()
    const log = fileLog({ dir })
    const { runtime } = signed({ log, dir })
    const action = { kind: 'tool', name: 'Bash', input: { command: 'ls' } } as const
    let found: readonly RecordBody[] = []
    await runtime.run(runtime.context(action), async () => {
      found = about(await bodies(log))
    })
    expect(found).toMatchObject([{ kind: 'tool', phase: 'intent', ctx: expect.stringMatching(/^>t Bash input="sha256:/) }])
  })

  it('does not let go before the fsync of the intent has ended, nor before that of the outcome', async () => {
    const { disk } = brittle()
    const syncs: ReturnType<typeof gate>[] = []
    const slow = {
      ...disk,
      sync: async () => {
        const held = gate()
        syncs.push(held)
        await held.promise
      },
    }
    const { act, effects } = signed({ log: fileLog({ dir: folder(), disk: slow }) })
    const acting = act('tool')
    let ended = false
    acting.finally(() => {
      ended = true
    })
    for (const effectsThen of [0, 0, 1]) {
      while (syncs.length === 0) await turns(1)
      expect([effects.length, ended]).toEqual([effectsThen, false])
      syncs.shift()!.open(undefined)
      await turns(3)
    }
    await acting
  })

  it('names what was sent, what it cost and why it stopped', async () => {
    const log = memoryLog()
    const mock = mockModel()
      .fail({ status: 529 })
      .reply({ text: 'hello', usage: { input_tokens: 12, output_tokens: 4 } })
    const sidecar = createSidecar({
      agent: claudeAgent({ model: 'claude-haiku-4-5' }),
      use: [withSigning({ log }), withRetry({ baseDelayMs: 0, maxDelayMs: 0 }), withBudget({ usd: 1 })],
      claude: { upstream: mock.upstream },
    })
    const { attempts } = await sidecar.call('Say hello.')
    await sidecar.close()
    const outcome = about(await bodies(log)).find(({ kind, phase }) => kind === 'model' && phase === 'outcome')!
    expect(outcome.ctx).toMatch(
      /^>l:complete "claude-haiku-4-5" request="sha256:[0-9a-f]{64}" input=12 output=4 stop="end_turn" attempts=2$/,
    )
    expect(outcome.outcome).toEqual({
      status: 'done',
      attempts: 2,
      usage: { input: 12, output: 4, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, certainty: 'measured' },
      nanoUsd: attempts.reduce((sum, { nanoUsd }) => sum + nanoUsd!, 0),
    })
    expect(outcome.wire).toEqual(mock.requests.map(({ bodyText }) => sha256(bodyText)))
    expect(outcome.ledger).toEqual(expect.any(String))
  })

  it('names what was sent and cost without a layer that repeats', async () => {
    const log = memoryLog()
    const mock = mockModel().reply({ text: 'hello', usage: { input_tokens: 12, output_tokens: 4 } })
    const sidecar = createSidecar({
      agent: claudeAgent({ model: 'claude-haiku-4-5' }),
      use: [withSigning({ log })],
      claude: { upstream: mock.upstream },
    })
    await sidecar.send('Say hello.')
    const outcome = about(await bodies(log)).find(({ kind, phase }) => kind === 'model' && phase === 'outcome')!
    expect(outcome).toMatchObject({ outcome: { status: 'done', nanoUsd: 32_000 }, wire: [expect.stringMatching(/^[0-9a-f]{64}$/)] })
    expect(outcome.ctx).toContain(' attempts=1')
    await sidecar.close()
  })

  it('keeps what was said out of the record, unless it is asked to', async () => {
    const secret = 'the secret of the lake'
    const texts = async (content: WithSigningOptions['content']) => {
      const { act, records } = signed({ content })
      await act({ kind: 'send', message: secret }, secret)
      await act({ kind: 'tool', name: 'Bash', input: { command: secret } }, secret)
      return JSON.stringify(await records())
    }
    expect(await texts('digest')).not.toContain('lake')
    expect(await texts('excerpt')).toContain('task_excerpt')
    expect(await texts('full')).toContain('the secret of the lake')
  })

  it('is told apart by the policy that it was under', async () => {
    const { act, host, records } = signed()
    policyInForce.set(host, { digest: 'd'.repeat(64), rules: [] })
    await act('tool')
    expect((await records()).map(({ policy }) => policy)).toEqual(['d'.repeat(64), 'd'.repeat(64)])
  })
})

describe('withSigning, an action that does not end well', () => {
  it('writes the code of an error, and never its text', async () => {
    const { runtime, records } = signed()
    const ours = new UpstreamError('secret text', { status: 529 })
    const errors = [ours, new RangeError('secret text'), 'secret text', new Error('secret text', { cause: ours })]
    for (const error of errors)
      await failure(runtime.run(runtime.context({ kind: 'tool', name: 'Bash', input: {} }), () => Promise.reject(error)))
    const ended = (await records()).filter(({ phase }) => phase === 'outcome')
    expect(ended.map(({ outcome }) => outcome)).toMatchObject([
      { status: 'error', error: 'ERR_UPSTREAM' },
      { status: 'error', error: 'RangeError' },
      { status: 'error', error: 'string' },
      { status: 'error', error: 'ERR_UPSTREAM' },
    ])
    expect(ended[0]!.ctx).toMatch(/status="error" error="ERR_UPSTREAM"$/)
    expect(JSON.stringify(ended)).not.toContain('secret')
  })

  it('writes the refusal of a rule as what the rule said', async () => {
    const log = memoryLog()
    const mock = mockModel()
    const agent: Agent<string, unknown> = {
      name: 'probe',
      send: async (_, { tool }) => tool({ name: 'Bash', run: (input: unknown) => (input ? 'ran' : '') }).run({ command: 'rm -rf /' }),
    }
    const use = [withSigning({ log }), withViolations({ rules: [rules.tools({ deny: ['Bash'] })] })]
    const sidecar = createSidecar({ agent, use, claude: { upstream: mock.upstream } })
    const error = await failure(sidecar.send('go'))
    expect(error).toBeInstanceOf(ViolationError)
    const { ruleId, details } = error as ViolationError
    const ended = about(await bodies(log)).filter(({ phase }) => phase === 'outcome')
    expect(ended[0]).toMatchObject({
      kind: 'tool',
      ctx: `+m:escalate ${JSON.stringify(`${ruleId}: ${details}`)} #violation #deny`,
      outcome: { status: 'refused', layer: 'withViolations' },
    })
    expect(ended[0]!.policy).toMatch(/^[0-9a-f]{64}$/)
    expect(ended[1]).toMatchObject({ kind: 'send', outcome: { status: 'error', error: 'ERR_VIOLATION' } })
    await sidecar.close()
  })

  it('writes the refusal of a budget under the name of the budget', async () => {
    const log = memoryLog()
    const mock = mockModel()
    const use = [withSigning({ log }), withRetry(), withBudget({ usd: 0 })]
    const sidecar = createSidecar({ agent: claudeAgent({ model: 'claude-haiku-4-5' }), use, claude: { upstream: mock.upstream } })
    await failure(sidecar.send('go'))
    const ended = about(await bodies(log)).filter(({ phase, kind }) => phase === 'outcome' && kind !== 'send')
    for (const { ctx, outcome } of ended) {
      expect(ctx).toMatch(/^\+m:escalate "budget: \d+ (nanoUsd|tokens) needed, 0 left in .*" #violation #deny$/)
      expect(outcome).toMatchObject({ status: 'refused', error: 'ERR_BUDGET' })
    }
    expect(mock.requests).toHaveLength(0)
    await sidecar.close()
  })

  it('writes down a caller that went away, and the late end of what went on', async () => {
    const log = memoryLog()
    const { work, clock } = rig([withSigning({ log })], () => held.promise)
    const held = gate<string>()
    const caller = new AbortController()
    const working = failure(work('x', { signal: caller.signal }) as Promise<unknown>)
    await turns()
    caller.abort(new Error('gone'))
    clock.advance(10_000)
    expect(await working).toMatchObject({ message: 'gone' })
    await turns()
    const before = about(await bodies(log)).filter(({ phase }) => phase === 'outcome')
    expect(before).toMatchObject([{ outcome: { status: 'aborted', detached: true } }])
    held.open('late')
    await turns()
    const after = about(await bodies(log)).filter(({ phase }) => phase === 'outcome')
    expect(after).toMatchObject([{ outcome: { detached: true } }, { outcome: { status: 'aborted', late: true } }])
  })

  it('writes down a violation that refused nothing', async () => {
    const log = memoryLog()
    const agent: Agent<string, unknown> = {
      name: 'probe',
      send: async (_, { tool }) => tool({ name: 'Bash', run: (input: unknown) => (input ? 'ran' : '') }).run({ command: 'ls' }),
    }
    const warn = rules.rule({ id: 'careful', response: 'warn', kinds: ['tool'], check: () => ({ details: 'look' }) })
    const shadow = rules.rule({ id: 'strict', response: 'deny', shadow: true, kinds: ['tool'], check: () => ({ details: 'no' }) })
    const sidecar = createSidecar({ agent, use: [withSigning({ log }), withViolations({ rules: [warn, shadow] })] })
    expect(await sidecar.send('go')).toBe('ran')
    const noted = about(await bodies(log)).filter(({ phase }) => phase === 'note')
    expect(noted.map(({ ctx: text }) => text).sort()).toEqual([
      '+m:escalate "careful: look" #violation #warn',
      '+m:escalate "strict: no" #violation #shadow',
    ])
    await sidecar.close()
  })
})

describe('withSigning, where the record cannot be written', () => {
  it('does not act where the intent cannot be written', async () => {
    const { disk, state } = brittle()
    const { act, effects } = signed({ log: fileLog({ dir: folder(), disk }) })
    await act('tool')
    state.broken = true
    for (let n = 0; n < 3; n++) expect(await failure(act('tool'))).toMatchObject({ code: 'ERR_SIGNING', facts: { errno: 'ENOSPC' } })
    state.broken = false
    expect(await failure(act('tool'))).toBeInstanceOf(SigningError)
    expect(effects).toHaveLength(1)
  })

  it('does not act where a violation that would refuse nothing cannot be written down', async () => {
    const { disk, state, calls } = brittle()
    let runs = 0
    const agent: Agent<string, unknown> = {
      name: 'probe',
      send: async (_, { tool }) => tool({ name: 'Bash', run: (input: unknown) => (input ? ++runs : 0) }).run({ command: 'ls' }),
    }
    // What it finds is the last thing that happens before the disk is full: opening and two intents are written by then.
    const check = () => {
      state.broken = true
      return { details: 'look' }
    }
    const warn = rules.rule({ id: 'careful', response: 'warn', kinds: ['tool'], check })
    const use = [withSigning({ log: fileLog({ dir: folder(), disk }) }), withViolations({ rules: [warn] })]
    const sidecar = createSidecar({ agent, use })
    expect(await failure(sidecar.send('go'))).toMatchObject({ code: 'ERR_SIGNING' })
    expect([runs, calls.filter(call => call === 'write').length]).toEqual([0, 4])
  })

  it.each(['good', 'bad'])('stops the sidecar where the outcome of a %s effect cannot be written', async end => {
    const { disk, state } = brittle()
    const { runtime, host } = signed({ log: fileLog({ dir: folder(), disk }) })
    const action = { kind: 'model', model: 'm', maxTokens: 1, minTokens: 1, stream: false, request: {}, betas: [] } as const
    const acting = runtime.run(runtime.context(action), async ctx => {
      state.broken = true
      const error = new Error('inner')
      ctx.outcome = end === 'good' ? { status: 'done', sent: true } : { status: 'error', sent: true, error }
      if (end === 'bad') throw error
    })
    expect(await failure(acting)).toMatchObject({ code: 'ERR_SIGNING' })
    expect(host.status.failing).toMatch(/withSigning/)
  })

  it.each<[string, unknown, string]>([
    ['half a character', '\ud800', 'sha256:'],
    ['a whole page', 'n'.repeat(2 ** 24), 'sha256:'],
    ['a symbol', Symbol('x'), 'Error'],
    ['an object', { name: 1n }, 'Error'],
    ['nothing', '', 'Error'],
  ])('writes down how an action failed where the name of the error is %s', async (_what, name, written) => {
    const { runtime, records } = signed()
    const acting = runtime.run(runtime.context({ kind: 'tool', name: 'Bash', input: {} }), async () => {
      throw Object.defineProperty(new Error('inner'), 'name', { value: name })
    })
    expect(await failure(acting)).toMatchObject({ message: 'inner' })
    expect((await records()).map(({ phase, outcome }) => [phase, outcome?.error?.slice(0, written.length)])).toEqual([
      ['intent', undefined],
      ['outcome', written],
    ])
  })

  it('writes down how an action failed where the error cannot be read', async () => {
    const { runtime, records } = signed()
    const hostile = Object.defineProperty(new Error('inner'), 'name', {
      get() {
        throw new Error('no')
      },
    })
    const acting = runtime.run(runtime.context({ kind: 'tool', name: 'Bash', input: {} }), () => Promise.reject(hostile))
    expect(await failure(acting)).toBe(hostile)
    expect((await records()).at(-1)).toMatchObject({ phase: 'outcome', outcome: { status: 'error', error: 'unreadable' } })
  })

  it('leaves a log that is good when there is room again', async () => {
    const { disk, state } = brittle()
    const dir = folder()
    const own = withSigning({ dir, log: fileLog({ dir, disk }), key: generateSigningKey() })
    const { act } = mountedWith(own)
    await act('tool')
    state.broken = true
    await failure(act('tool'))
    await own.meta.close!()
    state.broken = false
    const { publicKey } = own.meta.expose!
    expect(await verifyLogs(dir, { publicKey })).toMatchObject({ verdict: 'unanchored', problems: [], records: 3 })
  })

  it('does not act where the folder cannot be made: its parent is a file', async () => {
    const dir = folder()
    writeFileSync(join(dir, 'file'), '')
    const { act, effects } = mountedWith(withSigning({ dir: join(dir, 'file', 'below') }))
    expect(await failure(act('tool'))).toMatchObject({ code: 'ERR_SIGNING' })
    expect(effects).toEqual([])
    rmSync(join(dir, 'file'))
    await act('tool')
    expect(effects).toHaveLength(1)
  })

  it('does not act where others can read the key', async () => {
    const dir = folder()
    const { act } = mountedWith(withSigning({ dir }))
    await act('tool')
    chmodSync(join(dir, '.keys', 'signing.key'), 0o644)
    const again = mountedWith(withSigning({ dir }), { name: 'again' })
    const error = await failure(again.act('tool'))
    expect(error).toMatchObject({ code: 'ERR_SIGNING' })
    expect(JSON.stringify([error, error.message, error.facts, error.stack])).not.toContain(
      readFileSync(join(dir, '.keys', 'signing.key'), 'utf8').trim(),
    )
    expect(again.effects).toEqual([])
  })

  /** Acts until the record cannot be written. */
  async function untilFull(dir: string, log?: RecordLog) {
    const own = withSigning({ dir, key: generateSigningKey(), files: 'none', ...(log ? { log } : {}) })
    const { act, effects } = mountedWith(own)
    let error: unknown
    for (let n = 0; n < 2_000 && !error; n++) error = await act('tool').then(none, thrown => thrown)
    expect(await failure(act('tool'))).toMatchObject({ code: expect.stringMatching(/^ERR_(SIGNING|LAYER)$/) })
    await own.meta.close!()
    return { error, effects: effects.length, publicKey: own.meta.expose!.publicKey }
  }
  const none = (): undefined => undefined

  /** Every effect has its intent: the opening, then intent and outcome of each, of which the last outcome may be missing. */
  async function isWhole(dir: string, { effects, publicKey }: { readonly effects: number; readonly publicKey: string }): Promise<void> {
    const { verdict, problems, records } = await verifyLogs(dir, { publicKey })
    expect([verdict, problems]).toEqual(['unanchored', []])
    expect([2 * effects, 2 * effects + 1]).toContain(records)
  }

  it('stops at a device that is full', async () => {
    const dir = folder()
    const full = openSync('/dev/full', 'w')
    let writes = 0
    const disk = {
      // The first lines go to the file, the next ones to the device: the error is the kernel's.
      write: async (fd: number, bytes: Uint8Array) => writeSync(++writes > 5 ? full : fd, bytes),
      sync: async (fd: number) => fdatasyncSync(fd),
    }
    const ended = await untilFull(dir, fileLog({ dir, disk }))
    expect(ended.error).toMatchObject({ code: 'ERR_SIGNING', facts: { errno: 'ENOSPC', syscall: 'write' } })
    expect(ended.effects).toBe(2)
    await isWhole(dir, ended)
    closeSync(full)
  })

  describe('on a file system of its own', () => {
    const mount = (dir: string, options: string): boolean => spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir]).status === 0
    const withMount = async (options: string, work: (dir: string) => Promise<void>): Promise<void> => {
      const dir = folder()
      expect(mount(dir, options)).toBe(true)
      await work(dir).finally(() => spawnSync('umount', ['-l', dir]))
    }
    const canMount = (): boolean => {
      const dir = folder()
      return mount(dir, 'size=64k') && spawnSync('umount', [dir]).status === 0
    }
    // Who may not mount sees the same errors from the device above, and from the path whose parent is a file.
    const where = process.platform === 'linux' && canMount() ? it : it.skip

    where('stops when it is full, and every effect has its intent', async () => {
      await withMount('size=256k', async dir => {
        const ended = await untilFull(dir)
        expect(ended.error).toMatchObject({ code: 'ERR_SIGNING', facts: { errno: 'ENOSPC' } })
        expect(ended.effects).toBeGreaterThan(50)
        await isWhole(dir, ended)
      })
    })

    where('does nothing when it is read-only', async () => {
      await withMount('size=64k', async dir => {
        spawnSync('mount', ['-o', 'remount,ro', dir])
        const { act, effects } = mountedWith(withSigning({ dir }))
        expect(await failure(act('tool'))).toMatchObject({ code: 'ERR_SIGNING' })
        expect(effects).toEqual([])
      })
    })
  })
})

describe('withSigning, its folder', () => {
  it('is not touched before the first action', async () => {
    const dir = join(folder(), 'new')
    const own = withSigning({ dir })
    mountedWith(own)
    expect(own.meta.snapshot!()).toMatchObject({ log: null, records: 0, durable: null, key: null })
    await own.meta.close!()
    expect(readdirSync(join(dir, '..'))).toEqual([])
  })

  it('is not touched after it was closed', async () => {
    const dir = join(folder(), 'new')
    const own = withSigning({ dir })
    mountedWith(own)
    await own.meta.close!()
    await expect(own.meta.expose!.signAndWrite('?k auth')).rejects.toMatchObject({ code: 'ERR_SIGNING' })
    expect(await own.meta.expose!.verify()).toEqual({ verdict: 'ok', records: 0, logs: [], problems: [] })
    expect(readdirSync(join(dir, '..'))).toEqual([])
  })

  it('gets keys, a log and the files of each outcome', async () => {
    const dir = folder()
    const own = withSigning({ dir })
    const { act } = mountedWith(own)
    await act('tool')
    await own.meta.close!()
    expect(readdirSync(dir).sort()).toEqual(['.keys', 'log', 'translations'])
    expect(statSync(join(dir, '.keys')).mode & 0o777).toBe(0o700)
    const files = readdirSync(join(dir, 'translations')).sort()
    expect(files.map(name => name.split('.')[1])).toEqual(['ctx', 'json', 'md'])
    expect(own.meta.snapshot!()).toMatchObject({ records: 4, durable: 3, files: { written: 1, failed: 0, error: null } })
  })

  it.each([
    ['all', 2],
    ['none', 0],
  ] as const)('files: %s', async (files, count) => {
    const dir = folder()
    const own = withSigning({ dir, files })
    const { act } = mountedWith(own)
    await act('tool')
    await own.meta.close!()
    expect(readdirSync(dir).includes('translations') ? readdirSync(join(dir, 'translations')).length / 3 : 0).toBe(count)
  })

  it('does not hold an action up for files that cannot be written', async () => {
    const dir = folder()
    writeFileSync(join(dir, 'translations'), '')
    const own = withSigning({ dir })
    const { act, of } = mountedWith(own)
    await act('tool')
    await own.meta.close!()
    expect(own.meta.snapshot!()).toMatchObject({ files: { written: 0, failed: 1, error: 'EEXIST' } })
    expect(of('layer.degraded')).toMatchObject([{ layer: 'withSigning' }])
  })

  it('is shared by sidecars that each have a log of their own', async () => {
    const dir = folder()
    const owns = ['a', 'b', 'c'].map(name => ({ own: withSigning({ dir }), name }))
    const mounted = owns.map(({ own, name }) => ({ own, ...mountedWith(own, { name }) }))
    await Promise.all(mounted.flatMap(({ act }) => [act('tool'), act('model')]))
    for (const { own } of mounted) expect(await own.meta.expose!.verify()).toMatchObject({ verdict: 'ok', problems: [] })
    for (const { own } of mounted) await own.meta.close!()
    expect(new Set(mounted.map(({ own }) => own.meta.expose!.publicKey)).size).toBe(1)
    expect(readdirSync(join(dir, 'log'))).toHaveLength(3)
    const all = await verifyLogs(dir, { publicKey: mounted[0]!.own.meta.expose!.publicKey })
    expect(all).toMatchObject({ verdict: 'unanchored', problems: [], records: 3 * 6 })
  })
})

describe('withSigning, its members', () => {
  it('translate says a statement in English and writes nothing', async () => {
    const { own, log } = signed()
    expect(own.meta.expose!.translate('+m "decision" #arch "JWT for API, session tokens for WebSocket"')).toBe(
      'Stored architecture decision: JWT for API, session tokens for WebSocket',
    )
    expect(() => own.meta.expose!.translate('no statement')).toThrow(expect.objectContaining({ code: 'ERR_CTX_PARSE' }))
    expect(await log.list()).toEqual([])
  })

  it('signAndWrite signs a statement, writes it into the log, and its three files', async () => {
    const dir = folder()
    const own = withSigning({ dir })
    mountedWith(own)
    const written = await own.meta.expose!.signAndWrite('+m "decision"   #arch "JWT for API"')
    expect(written).toMatchObject({ ctx: '+m decision #arch "JWT for API"', human: expect.stringContaining('JWT'), seq: 1 })
    expect(readFileSync(written.files!.ctx, 'utf8')).toBe('+m decision #arch "JWT for API"\n')
    const md = readFileSync(written.files!.md, 'utf8')
    for (const part of [written.ctx, written.human, written.digest, written.signature, '---']) expect(md).toContain(part)
    expect(JSON.parse(readFileSync(written.files!.json, 'utf8'))).toMatchObject({
      digest: written.digest,
      signature: written.signature,
      kind: 'statement',
    })
    await expect(own.meta.expose!.signAndWrite('nothing')).rejects.toMatchObject({ code: 'ERR_CTX_PARSE' })
    expect(await own.meta.expose!.verify()).toMatchObject({ verdict: 'ok', records: 2 })
    await own.meta.close!()
  })

  it('verify finds what was changed in the files, cut off, or replaced, while it runs and after', async () => {
    const dir = folder()
    const own = withSigning({ dir })
    const { act } = mountedWith(own)
    await act('tool')
    const { verify } = own.meta.expose!
    expect((await verify()).verdict).toBe('ok')
    const [id] = readdirSync(join(dir, 'log'))
    const path = join(dir, 'log', id!, 'records.jsonl')
    const whole = readFileSync(path, 'utf8')
    for (const changed of [whole.replace('Bash', 'Bush'), whole.slice(0, whole.indexOf('\n', 900) + 1), '']) {
      writeFileSync(path, changed)
      expect((await verify()).verdict).toBe('bad')
    }
    writeFileSync(path, whole)
    expect((await verify()).verdict).toBe('ok')
    await own.meta.close!()
    expect(await verify()).toMatchObject({ verdict: 'ok', records: 4 })
  })
})

describe('withSigning, by batches', () => {
  it('signs many actions by one tree head, and all of them are there in the end', async () => {
    let signatures = 0
    const pair = generateSigningKey()
    const key = {
      id: pair.id,
      publicKey: pair.publicKey,
      sign: (bytes: Uint8Array) => {
        signatures++
        return pair.sign(bytes)
      },
    }
    const { act, own, clock } = signed({ batchMs: 2, key })
    await Promise.all(Array.from({ length: 20 }, () => act('tool')))
    expect(signatures).toBe(1)
    await clock.advance(2)
    expect(signatures).toBe(2)
    await own.meta.close!()
    expect(signatures).toBe(4)
    expect(await own.meta.expose!.verify()).toMatchObject({ verdict: 'ok', records: 42, problems: [], logs: [{ unsigned: [] }] })
  })
})

describe('withSigning, and children', () => {
  it('gives a child without one a log of its own, by the same key, that names the log of its parent', async () => {
    const log = memoryLog()
    const parentLayer = withSigning({ log, content: 'excerpt' })
    const parent = mountedWith(parentLayer, { name: 'jake' })
    await parent.act('tool')
    const passedOn = parentLayer.meta.inherit!(parentLayer) as typeof parentLayer
    const child = mountedWith(passedOn, { name: 'mortal', parent })
    await child.act('tool')
    await passedOn.meta.close!()
    await parentLayer.meta.close!()
    expect(passedOn.meta.options).toEqual(parentLayer.meta.options)
    expect(passedOn.meta.expose!.publicKey).toBe(parentLayer.meta.expose!.publicKey)
    const { logs, problems } = await verifyLogs(log, { publicKey: parentLayer.meta.expose!.publicKey })
    expect(problems).toEqual([])
    const [jake, mortal] = logs
    expect(mortal!.parent).toMatchObject({ log: jake!.log, seq: 2, found: true })
  })

  it('names the log of the parent also where the child brings its own', async () => {
    const [log, other] = [memoryLog(), memoryLog()]
    const parent = mountedWith(withSigning({ log }), { name: 'jake' })
    await parent.act('tool')
    const child = mountedWith(withSigning({ log: other }), { name: 'mortal', parent })
    await child.act('tool')
    const [opened] = await bodies(other)
    expect(opened!.ctx).toContain(`parent="${(await log.list())[0]}"`)
  })

  it('records a spawn of the real thing: the intent at the parent, then the log of the child that names it', async () => {
    const dir = folder()
    const mock = mockModel().reply('done')
    const worker = claudeAgent({ name: 'worker', model: 'claude-haiku-4-5' })
    const agent: Agent<string, string> = {
      name: 'jake',
      async send(task, { spawn }) {
        const mortal = await spawn({ name: 'mortal', type: 'mortal', agent: worker, use: [], task })
        return mortal.send(task).finally(() => mortal.close()) as Promise<string>
      },
    }
    const jake = createSidecar({ agent, use: [withSigning({ dir }), withBudget({ usd: 1 })], claude: { upstream: mock.upstream } })
    expect(await jake.send('count')).toBe('done')
    expect(await jake.verify()).toMatchObject({ verdict: 'ok', problems: [] })
    await jake.close()
    const log = fileLog({ dir })
    const [opened, first] = await bodies(log, 'mortal')
    const parent = (await bodies(log, 'jake')).find(({ kind }) => kind === 'spawn')!
    expect([parent.phase, parent.ctx]).toEqual(['intent', expect.stringMatching(/^\^a mortal agent="mortal" context="sha256:/)])
    expect(opened!.ctx).toContain(`parent="${parent.log}" seq=${parent.seq} `)
    expect(first).toMatchObject({ kind: 'send', phase: 'intent' })
    const { problems, logs, verdict } = await verifyLogs(dir, { publicKey: jake.publicKey })
    expect([verdict, problems]).toEqual(['unanchored', []])
    expect(logs.find(({ log: id }) => id.startsWith('mortal'))).toMatchObject({ closed: true, parent: { log: parent.log, found: true } })
    const checkpoint = logs.map(report => report.checkpoint!)
    expect((await verifyLogs(dir, { publicKey: jake.publicKey, checkpoint })).verdict).toBe('ok')
  })

  it('does not let a child act whose parent cannot write', async () => {
    const dir = folder()
    writeFileSync(join(dir, 'file'), '')
    const parent = mountedWith(withSigning({ dir: join(dir, 'file') }), { name: 'jake' })
    const child = mountedWith(withSigning({ log: memoryLog() }), { name: 'mortal', parent })
    expect(await failure(child.act('tool'))).toMatchObject({ code: 'ERR_SIGNING' })
    expect(child.effects).toEqual([])
  })
})

describe('withSigning, its options', () => {
  it.each<[unknown, RegExp]>([
    [null, /must be an object/],
    [{ folder: 'x' }, /unknown option "folder"; known are dir/],
    [{ dir: '' }, /dir must be/],
    [{ dir: 7 }, /dir must be/],
    [{ log: {} }, /log must come from/],
    [{ key: 'secret' }, /key must be/],
    [{ batchMs: -1 }, /batchMs must be milliseconds/],
    [{ batchMs: Number.NaN }, /batchMs must be milliseconds/],
    [{ checkpointEvery: 0 }, /checkpointEvery must be a whole number/],
    [{ checkpointEvery: 1.5 }, /checkpointEvery must be a whole number/],
    [{ files: 'some' }, /files must be one of outcomes, all, none; got "some"/],
    [{ content: 'everything' }, /content must be one of/],
  ])('refuses %j', (options, message) => {
    expect(() => withSigning(options as never)).toThrow(message)
  })

  it('never says a key that it was given in the wrong place', () => {
    expect(() => withSigning({ key: 'c2VjcmV0' as never })).not.toThrow(/c2VjcmV0/)
  })

  it('stands outside what repeats and is not rewritten inside', () => {
    expect(() =>
      createSidecar({
        agent: { name: 'a', send: async () => '' },
        use: [withSigning({ log: memoryLog() }), layer('withRewrite', undefined, { rewrites: true })],
      }),
    ).toThrow(/withRewrite/)
  })
})
