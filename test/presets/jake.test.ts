import { createSidecar, isOutriggerError, type ViolationError } from 'outrigger'
import { claudeAgent } from 'outrigger/claude'
import { withBudget } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { mockModel } from 'outrigger/testing'
import byDefault, { jake } from 'outrigger-preset-jake'
import mortal from 'outrigger-preset-mortal'
import { chainOf, folder } from './stack.js'

const record = () => ({ withSigning: { dir: folder() } })
const worker = (name: string) => claudeAgent({ name, model: 'claude-haiku-4-5' })

const agent = { name: 'jake', type: 'coordinator', send: async () => 'ready' }
const claude = () => ({ upstream: mockModel({ otherwise: () => 'Done.' }).upstream })

describe('jake', () => {
  it('is the default export too', () => {
    expect(byDefault).toBe(jake)
  })

  it('makes this stack', () => {
    expect(chainOf(jake(), 'model')).toEqual([
      'withHealth {"spinningAfter":4,"maxConsecutiveErrors":3,"firstByteMs":600000,"idleMs":300000}  fails open  shows health',
      'withSigning {"log":".context","batchMs":0,"checkpointEvery":256,"files":"outcomes","content":"digest"}  [commits]  fails closed  shows translate, signAndWrite, verify, publicKey',
      'withViolations {"rules":["selfModification","offeredTools","maxChildren"],"shadow":false,"keep":1000}  [commits]  fails closed  shows violations',
      'withRetry {"attempts":3,"baseDelayMs":2000,"maxDelayMs":30000}  [reenters]  fails closed',
      'withLimit {"concurrency":10,"limit":"process"}  [perAttempt]  fails closed',
      'withDeadline {"idleMs":300000}  [perAttempt]  fails closed',
      'withMetrics  [perAttempt]  fails open  shows utilization, saturation, metrics',
      'withBudget {"nanoUsd":"unlimited","tokens":"unlimited","mode":"hard","estimate":"bound","whenShort":"reject","prices":"…"}  [commits, perAttempt]  fails closed  shows budget',
    ])
  })

  it('answers, records what it did, and has no cap', async () => {
    const sidecar = createSidecar({
      agent: worker('jake'),
      use: jake(record()),
      claude: { upstream: mockModel().reply('Four tasks.').upstream },
    })
    expect(await sidecar.send('Plan it.')).toBe('Four tasks.')
    expect(sidecar.budget.nanoUsd).toBe('unlimited')
    expect(sidecar.health().status).toBe('healthy')
    expect(sidecar.violations).toEqual([])
    expect(await sidecar.verify()).toMatchObject({ verdict: 'ok' })
    await sidecar.close()
  })

  it('has ten children at a time, and no eleventh', async () => {
    const sidecar = createSidecar({ agent, use: jake(record()), claude: claude() })
    const child = (n: number) => sidecar.io.spawn({ name: `mortal-${n}`, type: 'mortal', agent: worker(`mortal-${n}`), use: [] })
    for (let n = 1; n <= 10; n++) await child(n)
    const refused = await child(11).catch(error => error)
    expect(isOutriggerError(refused, 'ERR_VIOLATION')).toBe(true)
    expect((refused as ViolationError).ruleId).toBe('maxChildren')
    expect(sidecar.children).toHaveLength(10)
    await sidecar.children[0]!.close()
    await child(12)
    await sidecar.close()
  })

  it('judges its mortals by its rules as well as theirs, and is charged for them', async () => {
    const limited = { ...record(), withBudget: { usd: 2 }, withViolations: { rules: [rules.tools({ deny: ['Read'] })] } }
    const sidecar = createSidecar({ agent, use: jake(limited), claude: claude() })
    const child = await sidecar.io.spawn({ agent: worker('mortal-1'), use: mortal({ ...record(), withBudget: { usd: '0.25' } }) })
    expect(child.budget.nanoUsd).toMatchObject({ allocated: 250_000_000 })
    expect(await child.send('Go.')).toBe('Done.')
    const read = child.tool({ name: 'Read', run: async (_: { file_path: string }) => 'text' })
    await expect(read.run({ file_path: 'package.json' })).rejects.toMatchObject({ code: 'ERR_VIOLATION', ruleId: 'tools' })
    await child.close()
    const { nanoUsd } = sidecar.budget
    expect(nanoUsd).toMatchObject({ allocated: 2_000_000_000, delegated: 0 })
    expect(nanoUsd === 'unlimited' ? 0 : nanoUsd.spent).toBeGreaterThan(0)
    await sidecar.close()
  })

  it('gives a mortal no more than what is set aside for it, and starts none whose cap it has not', async () => {
    const sidecar = createSidecar({ agent, use: jake({ ...record(), withBudget: { usd: '0.50' } }), claude: claude() })
    const spawned = (use: ReturnType<typeof mortal>, part?: { usd: string }) =>
      sidecar.io.spawn({ agent: worker('mortal-1'), use, ...(part ? { budget: part } : {}) })
    await expect(spawned(mortal(record()))).rejects.toMatchObject({ code: 'ERR_BUDGET' })
    expect(sidecar.children).toEqual([])
    for (const withBudget of [{}, { usd: 'unlimited' }] as const) {
      const bounded = await spawned(mortal({ ...record(), withBudget }), { usd: '0.05' })
      expect(bounded.snapshot()).toMatchObject({ layers: { withBudget: { nanoUsd: { allocated: 50_000_000 } } } })
    }
    await sidecar.close()
  })

  it('can be told another budget, in another place', async () => {
    const use = jake({ ...record(), withBudget: false }, { after: { withMetrics: withBudget({ tokens: 1000 }) } })
    const sidecar = createSidecar({ agent, use, claude: claude() })
    expect(sidecar.explain()).toContain('"tokens":1000')
    await sidecar.close()
  })
})
