import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Base, createSidecar } from 'outrigger'
import { claudeAgent } from 'outrigger/claude'
import { policyDigest, type Rule, rules } from 'outrigger/policy'
import { mockModel } from 'outrigger/testing'
import byDefault, { mortal, mortalRules } from 'outrigger-preset-mortal'
import { chainOf, folder, policyOf } from './stack.js'

const secret = `sk-ant-${'api03'}-${'A1b2C3d4'.repeat(10)}`

/** A mortal at work in a folder of its own, as a process that was started there. */
function inFolder<T>(work: (home: string) => T): T {
  const before = process.cwd()
  const home = folder()
  process.chdir(home)
  try {
    return work(home)
  } finally {
    process.chdir(before)
  }
}

function started(rules?: readonly Rule[]) {
  const mock = mockModel({ otherwise: () => 'Done.' })
  return inFolder(home => {
    const agent = claudeAgent({ name: 'mortal-1', model: 'claude-haiku-4-5' })
    const sidecar = createSidecar({
      agent,
      use: mortal({ withSigning: { dir: join(home, 'record') }, withViolations: { rules } }),
      claude: { upstream: mock.upstream },
    })
    const ran: string[] = []
    const tool = (name: string) => (input: object) =>
      sidecar
        .tool({ name, run: async (_: object) => ran.push(name) && 'ran' })
        .run(input)
        .catch((error: { ruleId?: string }) => error.ruleId ?? error)
    return { sidecar, mock, home, ran, tool }
  })
}

/** One streamed request: its message, or our error of it. */
async function asked({ io }: Base<string, string>, model: string, max_tokens: number): Promise<object> {
  const stream = io.claude.messages.stream({ model, max_tokens, messages: [{ role: 'user', content: 'Go.' }] })
  return stream.finalMessage().catch(error => error.cause ?? error)
}

describe('mortal', () => {
  it('is the default export too', () => {
    expect(byDefault).toBe(mortal)
  })

  it('makes this stack', () => {
    expect(chainOf(mortal(), 'model')).toEqual([
      'withHealth {"spinningAfter":4,"maxConsecutiveErrors":3,"firstByteMs":600000,"idleMs":300000}  fails open  shows health',
      'withSigning {"log":".context","batchMs":0,"checkpointEvery":256,"files":"outcomes","content":"digest"}  [commits]  fails closed  shows translate, signAndWrite, verify, publicKey',
      'withViolations {"rules":["selfModification","offeredTools","commands","files","network","content","maxChildren","maxTokens"],"shadow":false,"keep":1000}  [commits]  fails closed  shows violations',
      'withRetry {"attempts":3,"baseDelayMs":2000,"maxDelayMs":30000}  [reenters]  fails closed',
      'withLimit {"concurrency":10,"limit":"process"}  [perAttempt]  fails closed',
      'withDeadline {"firstTokenMs":600000,"idleMs":300000}  [perAttempt]  fails closed',
      'withMetrics  [perAttempt]  fails open  shows utilization, saturation, metrics',
      'withBudget {"nanoUsd":1000000000,"tokens":"unlimited","mode":"hard","estimate":"bound","whenShort":"reject","prices":"…"}  [commits, perAttempt]  fails closed  shows budget',
    ])
  })

  it('answers, and records what it did', async () => {
    const { sidecar } = started()
    expect(await sidecar.send('Go.')).toBe('Done.')
    expect(await sidecar.verify()).toMatchObject({ verdict: 'ok' })
    expect(sidecar.health().status).toBe('healthy')
    await sidecar.close()
  })

  it.each([
    ['runs no command', 'Bash', { command: 'ls' }, 'commands'],
    ['reaches no host', 'WebFetch', { url: 'https://example.com/' }, 'network'],
    ['reads nothing outside of its folder', 'Read', { file_path: '/etc/passwd' }, 'files'],
    ['nor by a way up', 'Read', { file_path: '../other/notes.txt' }, 'files'],
    ['writes nothing outside of its folder', 'Write', { file_path: '/tmp/x.txt', content: '' }, 'files'],
    ['leaves alone what binds it', 'Write', { file_path: '.context/log/x', content: '' }, 'selfModification'],
    ['passes no secret to a tool', 'Write', { file_path: 'a.txt', content: secret }, 'content'],
  ])('%s', async (_what, name, input, ruleId) => {
    const { sidecar, ran, tool } = started()
    expect(await tool(name)(input)).toBe(ruleId)
    expect(ran).toEqual([])
    expect(sidecar.violations.map(violation => violation.ruleId)).toContain(ruleId)
    await sidecar.close()
  })

  it('reads and writes in its folder', async () => {
    const { sidecar, home, ran, tool } = started()
    writeFileSync(join(home, 'a.txt'), 'text')
    expect(await tool('Read')({ file_path: 'a.txt' })).toBe('ran')
    expect(await tool('Write')({ file_path: join(home, 'b.txt'), content: 'text' })).toBe('ran')
    expect(ran).toEqual(['Read', 'Write'])
    await sidecar.close()
  })

  it('starts no child', async () => {
    const { sidecar } = started()
    const spawned = sidecar.io.spawn({ agent: { name: 'child', send: async () => '' }, use: [] })
    await expect(spawned).rejects.toMatchObject({ code: 'ERR_VIOLATION', ruleId: 'maxChildren' })
    await sidecar.close()
  })

  it.each([
    [32_000, undefined],
    [32_001, 'maxTokens'],
  ])('asked for %i output tokens: %s', async (max_tokens, ruleId) => {
    const { sidecar, mock } = started()
    expect(await asked(sidecar, 'claude-haiku-4-5', max_tokens)).toMatchObject(ruleId ? { ruleId } : { stop_reason: 'end_turn' })
    expect(mock.requests).toHaveLength(ruleId ? 0 : 1)
    await sidecar.close()
  })

  it('has a hard budget of one dollar: what does not fit is not sent', async () => {
    const { sidecar, mock } = started()
    expect(sidecar.budget.nanoUsd).toMatchObject({ allocated: 1_000_000_000 })
    expect(await asked(sidecar, 'claude-fable-5-1', 32_000)).toMatchObject({ code: 'ERR_BUDGET' })
    expect(mock.requests).toHaveLength(0)
    await sidecar.close()
  })

  it('takes another budget, and nothing else changes', () => {
    const [usual, dearer] = [chainOf(mortal(), 'model'), chainOf(mortal({ withBudget: { usd: 5 } }), 'model')]
    expect(dearer).toEqual(usual.map(line => line.replace('"nanoUsd":1000000000', '"nanoUsd":5000000000')))
  })

  it('finds its folder when it is called, not when it is imported', () => {
    expect(inFolder(() => policyOf(mortal()))).not.toBe(policyOf(mortal()))
  })
})

describe('mortalRules', () => {
  it('are those of mortal', () => {
    const rulesOf = (list = mortalRules()) => policyOf(mortal({ withViolations: { rules: list } }))
    expect(policyOf(mortal())).toBe(rulesOf())
  })

  it('has another rule in the place of each that is given, and keeps the others', async () => {
    const { sidecar, tool } = started(mortalRules({ commands: { allow: ['ls', 'git status'] } }))
    expect(await tool('Bash')({ command: 'ls && git status' })).toBe('ran')
    expect(await tool('Bash')({ command: 'git push' })).toBe('commands')
    expect(await tool('WebFetch')({ url: 'https://example.com/' })).toBe('network')
    await sidecar.close()
  })

  it('keeps its own where undefined is given', () => {
    expect(policyDigest(mortalRules({ commands: undefined, maxTokens: undefined }))).toBe(policyDigest(mortalRules()))
  })

  it('takes every one of its rules', () => {
    const given = { maxChildren: 2, maxTokens: 100, network: { allow: ['public'] }, content: { deny: ['ACME'] }, files: { read: ['src'] } }
    expect(policyDigest(mortalRules({ ...given, commands: { deny: ['rm'] } }))).toBe(
      policyDigest([
        rules.commands({ deny: ['rm'] }),
        rules.files({ read: ['src'] }),
        rules.network({ allow: ['public'] }),
        rules.content({ deny: ['ACME'] }),
        rules.maxChildren(2),
        rules.maxTokens(100),
      ]),
    )
  })

  it('an unknown name is a TypeError', () => {
    expect(() => mortalRules({ comands: { allow: ['ls'] } } as never)).toThrow(
      new TypeError('mortalRules: unknown rule "comands"; known are commands, files, network, content, maxChildren, maxTokens'),
    )
  })
})
