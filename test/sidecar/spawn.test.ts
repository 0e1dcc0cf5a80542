import {
  BudgetExceededError,
  createSidecar,
  defineMiddleware,
  type Io,
  isOutriggerError,
  type SidecarEvent,
  type SpawnAction,
} from 'outrigger'
import { createLedger } from 'outrigger/ledger'
import { withBudget, withMetrics, withRetry, withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { mockModel } from 'outrigger/testing'
import { asking, fixed, turns } from '../middleware/stack.js'

/** Each answer costs $0.04, and is bounded by $0.10. */
const answers = () => mockModel({ otherwise: () => ({ text: 'done', usage: { input_tokens: 1, output_tokens: 400 } }) })
const dime = 100_000_000
const child = (name: string) => ({ ...asking(), name })

/** A parent with $1, whose sends spawn nothing by themselves. */
function parent(usd: number | 'unlimited' = 1, use = [withRetry(), withMetrics(), withBudget({ usd, prices: fixed })] as const) {
  const model = answers()
  const sidecar = createSidecar({
    agent: { name: 'jake', type: 'jake', send: async (text: string) => text },
    use,
    claude: { upstream: model.upstream },
  })
  const events: SidecarEvent[] = []
  sidecar.subscribe(event => events.push(event))
  return { sidecar, model, events, of: (type: string) => events.filter(event => event.type === type) }
}

const amounts = (sidecar: { readonly budget: { readonly nanoUsd: unknown } }) => sidecar.budget.nanoUsd

describe('spawn', () => {
  it('resolves to a sidecar that knows its parent', async () => {
    const { sidecar, of } = parent()
    const born = await sidecar.io.spawn({ name: 'mortal-1', type: 'mortal', agent: child('x'), use: [withMetrics()] })
    expect([born.name, born.type, born.parent, born.state]).toEqual(['mortal-1', 'mortal', sidecar.id, 'summoned'])
    expect(sidecar.children).toEqual([born])
    expect(await born.send('go')).toBe(400)
    expect(born.metrics.calls).toBe(1)
    expect(of('child.started')).toMatchObject([{ agent: sidecar.id, child: born.id }])
    await born.close()
    expect(of('child.ended')).toMatchObject([{ child: born.id, reason: 'closed' }])
    expect(sidecar.children).toEqual([])
  })

  it('is an action that layers judge: a refusal starts nothing', async () => {
    const seen: unknown[] = []
    const no = defineMiddleware({ name: 'no', on: ['spawn'], commits: true }, async ctx => {
      seen.push(ctx.action)
      throw new Error('no children')
    })
    const model = answers()
    const sidecar = createSidecar({ agent: child('p'), use: [no], claude: { upstream: model.upstream } })
    const refused = sidecar.io.spawn({ name: 'm', type: 'mortal', task: 'count', agent: child('m'), use: [] })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_LAYER', layer: 'no' })
    expect(seen).toEqual([{ kind: 'spawn', name: 'm', type: 'mortal', task: 'count', siblings: 0 }])
    expect(sidecar.children).toEqual([])
  })

  it('counts siblings that are alive or being started before it', async () => {
    const seen: number[] = []
    const count = defineMiddleware({ name: 'count', on: ['spawn'] }, async (ctx, next) => {
      if (ctx.action.kind === 'spawn') seen.push(ctx.action.siblings)
      await turns(2)
      await next()
    })
    const sidecar = createSidecar({ agent: child('p'), use: [count], claude: { upstream: answers().upstream } })
    const start = (name: string) => sidecar.io.spawn({ name, agent: child(name), use: [] })
    const [first] = await Promise.all([start('a'), start('b'), start('c')])
    await first.close()
    await start('d')
    expect(seen).toEqual([0, 1, 2, 2])
  })

  it.each([
    [{ agent: child('m') }, TypeError, /use must be a list/],
    [{ agent: child('m'), use: [], bugdet: {} }, TypeError, /unknown option "bugdet"/],
    [{ agent: child('m'), use: [], name: ' ' }, TypeError, /name must be a non-empty string/],
    [{ agent: () => child('m'), use: [] }, TypeError, /name the child/],
    [{ agent: child('m'), use: [], budget: { usd: -1 } }, RangeError, /usd|money|amount|0/],
    [{ agent: child('m'), use: [], rules: ['no rm'] }, TypeError, /rules must be a list of rules/],
    [{ agent: { name: 'm' }, use: [] }, TypeError, /needs send/],
  ])('refuses a wrong spec: %j', async (spec, kind, message) => {
    const { sidecar } = parent()
    const spawned = sidecar.io.spawn(spec as never)
    await expect(spawned).rejects.toThrow(kind)
    await expect(spawned).rejects.toThrow(message)
    expect(sidecar.children).toEqual([])
    expect(amounts(sidecar)).toMatchObject({ delegated: 0, remaining: 1e9 })
  })
})

describe('the budget of a child', () => {
  it('without one of its own is bounded by its parent', async () => {
    const { sidecar, model, of } = parent(0.25)
    const born = await sidecar.io.spawn({ name: 'm', agent: child('m'), use: [] })
    expect((born as unknown as typeof sidecar).budget.nanoUsd).toBe('unlimited')
    for (let i = 0; i < 4; i++) await born.send('go')
    await expect(born.send('go')).rejects.toMatchObject({ code: 'ERR_BUDGET' })
    expect(model.requests).toHaveLength(4)
    expect(amounts(sidecar)).toMatchObject({ spent: 160_000_000, held: 0 })
    expect(of('decision')).toMatchObject([{ child: born.id, reason: expect.stringContaining('budgetExceeded: m') }])
  })

  it('that is set aside is delegated, and what is left returns when the child ends', async () => {
    const { sidecar, model } = parent()
    const born = await sidecar.io.spawn({ name: 'm', agent: child('m'), use: [], budget: { usd: '0.15' } })
    expect(amounts(sidecar)).toMatchObject({ delegated: 150_000_000, remaining: 850_000_000 })
    await born.send('go')
    await born.send('go')
    await expect(born.send('go')).rejects.toMatchObject({ code: 'ERR_BUDGET', allocated: 150_000_000, spent: 80_000_000 })
    expect(model.requests).toHaveLength(2)
    await born.close()
    expect(amounts(sidecar)).toMatchObject({ spent: 80_000_000, delegated: 0, remaining: 920_000_000 })
  })

  it('of its own is delegated from the parent, in the books of the parent', async () => {
    const { sidecar } = parent()
    const born = await sidecar.io.spawn({ name: 'm', agent: child('m'), use: [withBudget({ usd: 0.5, prices: fixed })] })
    expect(born.budget.ledger).toBe(sidecar.budget.ledger)
    expect(amounts(sidecar)).toMatchObject({ delegated: 500_000_000 })
    await born.send('go')
    await born.close()
    expect(amounts(sidecar)).toMatchObject({ spent: 40_000_000, delegated: 0, remaining: 960_000_000 })
  })

  it('of its own stands below the part that is set aside for it', async () => {
    const { sidecar } = parent()
    const born = await sidecar.io.spawn({
      name: 'm',
      agent: child('m'),
      use: [withBudget({ usd: 0.1, prices: fixed })],
      budget: { usd: 0.3 },
    })
    expect(amounts(sidecar)).toMatchObject({ delegated: 300_000_000 })
    expect(amounts(born)).toMatchObject({ allocated: dime })
    await born.close()
    expect(amounts(sidecar)).toMatchObject({ delegated: 0, remaining: 1e9 })
  })

  it('that the parent has not is refused, and nothing stays set aside', async () => {
    const { sidecar } = parent()
    for (const spec of [{ budget: { usd: 2 } }, { use: [withBudget({ usd: 2, prices: fixed })] }])
      await expect(sidecar.io.spawn({ name: 'm', agent: child('m'), use: [], ...spec })).rejects.toMatchObject({ code: 'ERR_BUDGET' })
    expect(amounts(sidecar)).toMatchObject({ delegated: 0, remaining: 1e9 })
    expect(sidecar.children).toEqual([])
  })

  it('that is larger than what is set aside for it is cut to that', async () => {
    const { sidecar, model } = parent()
    const born = await sidecar.io.spawn({
      name: 'm',
      agent: child('m'),
      use: [withBudget({ usd: 2, prices: fixed })],
      budget: { usd: 0.15 },
    })
    expect(amounts(born)).toMatchObject({ allocated: 150_000_000 })
    await born.send('go')
    await born.send('go')
    await expect(born.send('go')).rejects.toMatchObject({ code: 'ERR_BUDGET' })
    expect(model.requests).toHaveLength(2)
    await born.close()
    expect(amounts(sidecar)).toMatchObject({ spent: 80_000_000, delegated: 0, remaining: 920_000_000 })
  })

  it('is as strict as that of its parent, whatever its own mode says', async () => {
    const { sidecar, model } = parent(0.15)
    const lax = withBudget({ usd: 'unlimited', mode: 'warn', estimate: 'calibrated', prices: fixed })
    const born = await sidecar.io.spawn({ name: 'm', agent: child('m'), use: [lax] })
    await born.send('go')
    await born.send('go')
    await expect(born.send('go')).rejects.toMatchObject({ code: 'ERR_BUDGET' })
    expect(model.requests).toHaveLength(2)
  })

  it('in other books than its parent is a ConfigError', async () => {
    const { sidecar } = parent()
    const other = createLedger()
    const account = other.account({ id: 'x', nanoUsd: 10, tokens: 'unlimited' })
    for (const layer of [withBudget({ usd: 1, ledger: other }), withBudget({ account })])
      await expect(sidecar.io.spawn({ name: 'm', agent: child('m'), use: [layer] })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    const given = withBudget({ account: sidecar.budget.delegate({ usd: 0.2 }), prices: fixed })
    const born = await sidecar.io.spawn({ name: 'm', agent: child('m'), use: [given] })
    expect(amounts(born)).toMatchObject({ allocated: 200_000_000 })
  })

  it('needs one at the parent', async () => {
    const sidecar = createSidecar({ agent: child('p'), use: [], claude: { upstream: answers().upstream } })
    await expect(sidecar.io.spawn({ name: 'm', agent: child('m'), use: [], budget: { usd: 1 } })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining('withBudget'),
    })
  })

  it('is reported to the nearest ancestor that has anything left', async () => {
    const { sidecar, of } = parent()
    const middle = await sidecar.io.spawn({ name: 'middle', agent: child('middle'), use: [], budget: { usd: 0.1 } })
    const told: SidecarEvent[] = []
    middle.subscribe(event => event.type === 'decision' && told.push(event))
    const leaf = await middle.io.spawn({ name: 'leaf', agent: child('leaf'), use: [], budget: { usd: 0.1 } })
    await leaf.send('go')
    await expect(leaf.send('go')).rejects.toMatchObject({ code: 'ERR_BUDGET' })
    expect(told).toEqual([])
    expect(of('decision')).toMatchObject([{ child: leaf.id, reason: 'budgetExceeded: leaf has spent $0.04 of $0.10' }])
  })
})

describe('the thresholds of a child', () => {
  const told = (events: readonly SidecarEvent[]) =>
    events.flatMap(event => (event.type === 'budget.threshold' ? [[event.threshold, event.spent, event.child]] : []))
  const heard = (sidecar: { subscribe(listener: (event: SidecarEvent) => void): unknown }) => {
    const events: SidecarEvent[] = []
    sidecar.subscribe(event => events.push(event))
    return events
  }
  const layer = (usd: number) => withBudget({ usd, prices: fixed, warnAt: [0.3] })

  it('are told to itself, and to the nearest ancestor that has anything left', async () => {
    const { sidecar, events } = parent()
    const middle = await sidecar.io.spawn({ name: 'middle', agent: child('middle'), use: [layer(0.1)] })
    const leaf = await middle.io.spawn({ name: 'leaf', agent: child('leaf'), use: [layer(0.1)] })
    const [atMiddle, atLeaf] = [heard(middle), heard(leaf)]
    await leaf.send('go')
    expect(told(atLeaf)).toEqual([[0.3, 40_000_000, undefined]])
    expect(told(atMiddle)).toEqual([])
    expect(told(events)).toEqual([[0.3, 40_000_000, leaf.id]])
  })

  it('of a shared budget are those of its parent', async () => {
    const { sidecar, events } = parent(0.4, [withRetry(), withMetrics(), layer(0.4)] as const)
    const born = await sidecar.io.spawn({ name: 'm', agent: child('m'), use: [] })
    for (let i = 0; i < 4; i++) await born.send('go')
    expect(told(events)).toEqual([[0.3, 120_000_000, undefined]])
  })
})

describe('a child over a soft budget', () => {
  it('is a violation that its parent hears of, with the child', async () => {
    const { sidecar, of } = parent(0.05, [withBudget({ usd: 0.05, mode: 'soft', prices: fixed })] as never)
    const born = await sidecar.io.spawn({ name: 'm', agent: child('m'), use: [] })
    await born.send('go')
    expect(of('violation')).toMatchObject([{ ruleId: 'budget', response: 'warn', kind: 'model', child: born.id, agent: sidecar.id }])
  })
})

describe('rules of a spawn', () => {
  it('need a layer that judges', async () => {
    const { sidecar } = parent()
    const spawned = sidecar.io.spawn({ name: 'm', agent: child('m'), use: [], rules: [{ begin: () => () => undefined } as never] })
    await expect(spawned).rejects.toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining('withViolations') })
    expect(amounts(sidecar)).toMatchObject({ delegated: 0 })
  })
})

describe('a child', () => {
  const forever = {
    name: 'forever',
    send: (_: string, { signal }: { signal: AbortSignal }) =>
      new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  }

  it('ends with its parent', async () => {
    const { sidecar } = parent()
    const born = await sidecar.io.spawn({ name: 'm', agent: forever, use: [], budget: { usd: 0.5 } })
    const sent = born.send('go').catch((error: unknown) => error)
    sidecar.reap('enough')
    expect(isOutriggerError(await sent, 'ERR_REAPED')).toBe(true)
    expect(born.state).toBe('failedReaped')
    await turns(20)
    expect(amounts(sidecar)).toMatchObject({ delegated: 0 })
  })

  it('ends when the send that spawned it is aborted, and outlives one that ends well', async () => {
    const made: { readonly state: string }[] = []
    const model = answers()
    const sidecar = createSidecar({
      agent: {
        name: 'jake',
        async send(how: string, { spawn, signal }) {
          made.push(await spawn({ name: how, agent: child(how), use: [] }))
          if (how === 'hang') await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        },
      },
      use: [withBudget({ usd: 1, prices: fixed })],
      claude: { upstream: model.upstream },
    })
    await sidecar.send('short')
    const stop = new AbortController()
    const hung = sidecar.send('hang', { signal: stop.signal }).catch((error: unknown) => error)
    await turns(10)
    stop.abort(new Error('stop'))
    await hung
    await turns(20)
    expect(made.map(({ state }) => state)).toEqual(['summoned', 'failedReaped'])
    await sidecar.close()
    expect(made.map(({ state }) => state)).toEqual(['dismissed', 'failedReaped'])
  })

  it('that is reaped gives back what was set aside for it, and its parent is told why', async () => {
    const { sidecar, of } = parent()
    const born = await sidecar.io.spawn({ name: 'm', agent: child('m'), use: [], budget: { usd: 0.5 } })
    born.reap('it spins')
    await turns(20)
    expect(of('child.ended')).toMatchObject([{ child: born.id, reason: 'reaped: it spins' }])
    expect(amounts(sidecar)).toMatchObject({ delegated: 0, remaining: 1e9 })
  })

  it('is closed before its parent', async () => {
    const { sidecar, events } = parent()
    const born = await sidecar.io.spawn({ name: 'm', agent: child('m'), use: [] })
    await sidecar.close()
    expect([born.state, sidecar.state]).toEqual(['dismissed', 'dismissed'])
    expect(events.map(({ type }) => type).filter(type => type !== 'action.started' && type !== 'action.ended')).toEqual([
      'attempt.ended',
      'child.started',
      'child.ended',
      'state',
    ])
  })
})

describe('a spawn that goes wrong, or late', () => {
  const layerOf = (meta: object, fn = (_: unknown, next: () => Promise<void>) => next()) => defineMiddleware(meta as { name: string }, fn)

  it('whose parent closes while its first child is being started ends that child before itself', async () => {
    let go!: () => void
    const gate = new Promise<void>(resolve => {
      go = resolve
    })
    const closed: string[] = []
    const closing = (name: string) => layerOf({ name, close: () => turns(3).then(() => void closed.push(name)) })
    let born: { readonly state: string } | undefined
    const sidecar = createSidecar({
      agent: {
        name: 'jake',
        async send(_: string, { spawn }) {
          await gate
          born = await spawn({ name: 'm', agent: child('m'), use: [closing('of the child')], budget: { usd: 0.5 } })
        },
      },
      use: [closing('of the parent'), withBudget({ usd: 1, prices: fixed })],
      claude: { upstream: answers().upstream },
    })
    const sent = sidecar.send('go')
    await turns(2)
    const over = sidecar.close()
    go()
    await Promise.all([sent, over])
    expect(born!.state).toBe('dismissed')
    expect(closed).toEqual(['of the child', 'of the parent'])
    expect(amounts(sidecar)).toMatchObject({ delegated: 0, remaining: 1e9 })
  })

  it('leaves no way to Claude to an agent that never came to be', async () => {
    let kept!: Io
    const { sidecar, model } = parent()
    const bad = layerOf({
      name: 'bad',
      attach: () => {
        throw new Error('no port')
      },
    })
    const spawned = sidecar.io.spawn({
      name: 'm',
      agent: io => {
        kept = io
        return child('m')
      },
      use: [bad],
    })
    await expect(spawned).rejects.toThrow('no port')
    const asked = kept.claude.messages.create({ model: 'claude-fixed', max_tokens: 10, messages: [{ role: 'user', content: 'x' }] })
    await expect(asked).rejects.toMatchObject({ code: 'ERR_REAPED' })
    expect(model.requests).toHaveLength(0)
  })

  it('that is tried again leaves no child of the attempt that failed', async () => {
    const kept: Io[] = []
    let tries = 0
    const again = layerOf({ name: 'again', on: ['spawn'], reenters: true }, (_, next) => next().catch(() => next()))
    const flaky = layerOf({ name: 'flaky', on: ['spawn'], fail: 'closed' }, async (_, next) => {
      await next()
      if (++tries === 1)
        throw new BudgetExceededError({ unit: 'tokens', needed: 1, remaining: 0, account: 'x', allocated: 0, spent: 0, held: 0 } as never)
    })
    const model = answers()
    const sidecar = createSidecar({ agent: child('p'), use: [again, flaky], claude: { upstream: model.upstream } })
    const agent = (io: Io) => {
      kept.push(io)
      return child('m')
    }
    const born = await sidecar.io.spawn({ name: 'm', agent, use: [] })
    expect(sidecar.children).toEqual([born])
    const tool = { name: 't', run: (_: unknown) => 'ran' }
    await expect(kept[0]!.tool(tool).run({})).rejects.toMatchObject({ code: 'ERR_REAPED' })
    expect(await kept[1]!.tool(tool).run({})).toBe('ran')
  })

  it('shows its layers what it gave', async () => {
    const seen: unknown[] = []
    const eye = layerOf({ name: 'eye', on: ['spawn'] }, async (ctx, next) => {
      await next()
      seen.push((ctx as { readonly result?: unknown }).result)
    })
    const look = rules.rule({ id: 'look', kinds: ['spawn'], stages: ['result'], check: ({ result }) => void seen.push(result) })
    const { sidecar } = parent(1, [eye, withViolations({ rules: [look] }), withBudget({ usd: 1, prices: fixed })] as never)
    const born = await sidecar.io.spawn({ name: 'm', type: 'mortal', agent: child('m'), use: [] })
    expect(seen).toEqual([{ id: born.id, name: 'm', type: 'mortal' }, born])
  })

  it('lists no child that has ended before its spawn has', async () => {
    const hasty = layerOf({ name: 'hasty', on: ['spawn'] }, async (ctx, next) => {
      await next()
      ;(ctx as { readonly result?: { reap(reason: string): void } }).result!.reap('not today')
      await turns(30)
    })
    const { sidecar, of } = parent(1, [hasty, withBudget({ usd: 1, prices: fixed })] as never)
    const born = await sidecar.io.spawn({ name: 'm', agent: child('m'), use: [], budget: { usd: 0.5 } })
    expect([born.state, sidecar.children]).toEqual(['failedReaped', []])
    expect([...of('child.started'), ...of('child.ended')]).toMatchObject([
      { type: 'child.started', child: born.id },
      { type: 'child.ended', child: born.id, reason: 'reaped: not today' },
    ])
    expect(amounts(sidecar)).toMatchObject({ delegated: 0, remaining: 1e9 })
  })
})

describe('a child that would be bound by less than its parent', () => {
  const named = (name: string) => defineMiddleware({ name }, (_, next) => next())
  const bound = () =>
    parent(1, [withViolations({ rules: [rules.tools({ deny: ['Bash'] })] }), withBudget({ usd: 1, prices: fixed })] as never)

  it.each([
    ['withBudget', /budget of its parent/],
    ['withViolations', /rules of its parent/],
  ])('is not started with a layer of its own that is called %s', async (name, why) => {
    const { sidecar } = bound()
    const spawned = sidecar.io.spawn({ name: 'm', agent: child('m'), use: [named(name)], budget: { usd: 0.5 } })
    await expect(spawned).rejects.toMatchObject({ code: 'ERR_CONFIG', message: expect.stringMatching(why) })
    await turns(20)
    expect(sidecar.children).toEqual([])
    expect(amounts(sidecar)).toMatchObject({ delegated: 0, remaining: 1e9 })
  })

  it('is not started on an account of the same id, or of the same parent, in other books', async () => {
    const { sidecar } = parent()
    const root = createLedger().account({ id: sidecar.id, nanoUsd: 'unlimited', tokens: 'unlimited' })
    for (const account of [root, root.share()]) {
      const spawned = sidecar.io.spawn({ name: 'm', agent: child('m'), use: [withBudget({ account, prices: fixed })] })
      await expect(spawned).rejects.toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining('books') })
    }
  })

  it('does not share an id with another one that is alive or being started', async () => {
    const { sidecar } = parent()
    const start = () => sidecar.io.spawn({ name: 'm', id: 'same', agent: child('m'), use: [], budget: { usd: 0.2 } })
    const [first, second] = await Promise.allSettled([start(), start()])
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
    await expect(start()).rejects.toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining('"same"') })
    expect(amounts(sidecar)).toMatchObject({ delegated: 200_000_000 })
  })

  it('is what was judged, whatever the caller does to its own object meanwhile, or a layer makes of it', async () => {
    const slow = defineMiddleware({ name: 'slow', on: ['spawn'] }, async (_, next) => {
      await turns(2)
      await next()
    })
    const humble = defineMiddleware({ name: 'humble', on: ['spawn'], rewrites: true }, async (ctx, next) => {
      ctx.rewrite({ ...(ctx.action as SpawnAction), type: 'humble' })
      await next()
    })
    const spec = { name: 'm', type: 'mortal', agent: child('m'), use: [] }
    const { sidecar } = parent(1, [slow, withBudget({ usd: 1, prices: fixed })] as never)
    const spawned = sidecar.io.spawn(spec)
    Object.assign(spec, { type: 'coordinator', name: 'other', agent: child('other') })
    expect([(await spawned).type, (await spawned).name]).toEqual(['mortal', 'm'])
    const rewritten = parent(1, [humble, withBudget({ usd: 1, prices: fixed })] as never)
    expect((await rewritten.sidecar.io.spawn(spec)).type).toBe('humble')
  })
})

describe('an inherited layer', () => {
  const passes = (meta: object) =>
    defineMiddleware(
      { ...(meta as { name: string }), inherit: ({ meta: { inherit: _, ...own } }) => defineMiddleware(own, (_ctx, next) => next()) },
      (_, next) => next(),
    )

  it.each([
    ['rewrites', { name: 'rewriter', rewrites: true }, () => withViolations({ rules: [] })],
    ['repeats', { name: 'again', reenters: true }, () => withMetrics()],
  ])('that %s stands outside of what may not be outside of it, whatever its neighbours', async (_, meta, strict) => {
    const neighbour = () => defineMiddleware({ name: 'neighbour' }, (_ctx, next) => next())
    const { sidecar } = parent(1, [neighbour(), passes(meta), withBudget({ usd: 1, prices: fixed })] as never)
    const inner = strict()
    const born = await sidecar.io.spawn({ name: 'm', agent: child('m'), use: [inner, neighbour()] })
    const told = born.explain()
    expect(told.indexOf(meta.name)).toBeGreaterThan(0)
    expect(told.indexOf(meta.name)).toBeLessThan(told.indexOf(inner.meta.name))
  })
})
