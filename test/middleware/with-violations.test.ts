import fc from 'fast-check'
import { type Action, ConfigError, type Kind, LayerError, SigningError, ViolationError } from 'outrigger'
import { type Recorder, recorder } from 'outrigger/ctx'
import { withViolations } from 'outrigger/middleware'
import { policyDigest, policyInForce, type Response, rules } from 'outrigger/policy'
import { failure, gate, layer, rig, settled } from '../core/rig.js'
import { actions, broken, guarded, mountedWith } from './guarded.js'

const kinds: readonly Kind[] = ['send', 'model', 'tool', 'spawn']
const responses: readonly Response[] = ['warn', 'notifyParent', 'deny', 'pause', 'reap']
const blocking = new Set<Response>(['deny', 'pause', 'reap'])

const everyWay = kinds.flatMap(kind =>
  responses.flatMap(response =>
    (['action', 'withhold', 'release'] as const).map(way => ({ kind, response, way, name: `${kind}, ${response}, ${way}` })),
  ),
)

describe('a broken rule', () => {
  it.each(everyWay)('$name', async ({ kind, response, way }) => {
    const stage = way === 'action' ? 'action' : 'result'
    const rule = broken(response, { stages: [stage], ...(way === 'action' ? {} : { onResult: way }) })
    const { act, effects, host, of, layer: own, clock } = guarded([rule])
    clock.advance(5)
    const ended = await act(kind, 'what it gave').then(
      reply => ({ reply }),
      error => ({ error }),
    )
    const facts = { ruleId: response, response, severity: 'error', kind, details: 'always', shadow: false, at: clock.now() }
    if (blocking.has(response) && way !== 'release') {
      expect((ended as { error: unknown }).error).toBeInstanceOf(ViolationError)
      expect(ended).toMatchObject({ error: { ...facts, stage, code: 'ERR_VIOLATION' } })
    } else expect(ended).toEqual({ reply: 'what it gave' })
    const happened = stage === 'result' || !blocking.has(response)
    expect(effects).toHaveLength(happened ? 1 : 0)
    expect(host.status.paused).toBe(response === 'pause' ? 'rule pause: always' : undefined)
    expect(host.status.reaped).toBe(response === 'reap' ? 'rule reap: always' : undefined)
    const violation = { ...facts, action: expect.stringContaining('probe-1.') }
    expect(own.meta.expose.violations).toEqual([violation])
    expect(of('violation')).toEqual([expect.objectContaining(violation)])
    expect(of('decision')).toHaveLength(response === 'notifyParent' ? 1 : 0)
    // The next action finds the gate shut, whatever became of the error.
    const next = await act(kind, 'more').then(
      () => 'passed',
      error => error.code,
    )
    const stopped = response === 'pause' ? 'ERR_PAUSED' : response === 'reap' ? 'ERR_REAPED' : undefined
    expect(next).toBe(stopped ?? (blocking.has(response) && way !== 'release' ? 'ERR_VIOLATION' : 'passed'))
  })
})

describe('several broken rules', () => {
  it.each([
    ['before the effect', 'action'],
    ['on the result', 'result'],
  ] as const)('%s: the strictest wins, whatever the order, and all are told', async (_, stage) => {
    for (const order of [responses, [...responses].reverse(), ['reap', 'pause', 'warn', 'deny', 'notifyParent'] as const]) {
      const { act, host, of } = guarded(order.map(response => broken(response, { stages: [stage], onResult: 'withhold' })))
      expect(await failure(act('tool'))).toMatchObject({ ruleId: 'reap', response: 'reap' })
      expect(host.status).toMatchObject({ reaped: 'rule reap: always', paused: undefined })
      expect(
        of('violation')
          .map(({ ruleId }) => ruleId)
          .sort(),
      ).toEqual([...responses].sort())
      expect(of('decision')).toHaveLength(1)
    }
  })

  it('reap behind a pause is not hidden: what is under way still ends the sidecar', async () => {
    const started = gate()
    const slow = rules.rule({
      id: 'slow',
      response: 'reap',
      kinds: ['tool'],
      check: async () => {
        await started.promise
        return { details: 'late' }
      },
    })
    const { act, host } = guarded([slow, broken('pause', { kinds: ['model'] })])
    const tool = failure(act('tool'))
    await failure(act('model'))
    expect(host.status.paused).toBeDefined()
    started.open()
    expect(await tool).toMatchObject({ ruleId: 'slow' })
    expect(host.status.reaped).toBe('rule slow: late')
  })

  it('a release and a withholding rule: the pause is kept, and the result withheld by the one that withholds', async () => {
    const { act, host } = guarded([
      broken('pause', { stages: ['result'], onResult: 'release' }),
      broken('deny', { stages: ['result'], onResult: 'withhold' }),
    ])
    expect(await failure(act('tool', 'secret'))).toMatchObject({ ruleId: 'deny', stage: 'result' })
    expect(host.status.paused).toBe('rule pause: always')
  })
})

describe('any rules', () => {
  const one = fc.record({
    response: fc.constantFrom(...responses),
    shadow: fc.boolean(),
    onResult: fc.constantFrom('withhold' as const, 'release' as const),
    stages: fc.constantFrom(['action'] as const, ['result'] as const, ['action', 'result'] as const),
    kinds: fc.constantFrom(['tool'] as const, ['model'] as const, ['tool', 'model'] as const),
    late: fc.boolean(),
  })
  const strictest = (of: readonly { readonly response: Response }[]) =>
    Math.max(-1, ...of.map(({ response }) => responses.indexOf(response)))
  const deny = responses.indexOf('deny')

  it('have the effect that the strictest of them says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(one, { maxLength: 6 }), async specs => {
        const made = specs.map(({ late, ...spec }, at) =>
          rules.rule({ id: `${at}`, ...spec, check: late ? async () => ({ details: 'late' }) : () => ({ details: 'now' }) }),
        )
        const { act, effects, host, layer: own } = guarded(made)
        const error = await act('tool', 'given').then(
          () => undefined,
          thrown => thrown,
        )
        const looking = (stage: 'action' | 'result') =>
          specs.filter(
            ({ kinds, stages }) => (kinds as readonly string[]).includes('tool') && (stages as readonly string[]).includes(stage),
          )
        const enforced = (stage: 'action' | 'result') => looking(stage).filter(({ shadow }) => !shadow)
        const refused = strictest(enforced('action')) >= deny
        const met = refused ? enforced('action') : [...enforced('action'), ...enforced('result')]
        const withheld = !refused && strictest(enforced('result').filter(({ onResult }) => onResult === 'withhold')) >= deny
        expect(effects).toHaveLength(refused ? 0 : 1)
        expect(error?.code).toBe(refused || withheld ? 'ERR_VIOLATION' : undefined)
        if (refused) expect(responses.indexOf(error.response)).toBe(strictest(met))
        expect(host.status.reaped !== undefined).toBe(met.some(({ response }) => response === 'reap'))
        const paused = (stage: 'action' | 'result') =>
          (!refused || stage === 'action') && strictest(enforced(stage)) === responses.indexOf('pause')
        expect(host.status.paused !== undefined).toBe(paused('action') || paused('result'))
        expect(own.meta.expose.violations).toHaveLength(looking('action').length + (refused ? 0 : looking('result').length))
      }),
      { numRuns: 300 },
    )
  })
})

describe('an agent that swallows the error', () => {
  it.each([
    ['pause', 'ERR_PAUSED'],
    ['reap', 'ERR_REAPED'],
  ] as const)('is stopped at its next action of every kind: %s', async (response, code) => {
    const codes: unknown[] = []
    const swallow = (work: Promise<unknown>) => work.catch(error => codes.push(error.code))
    const agent = {
      name: 'stubborn',
      send: async (_: string, { tool, claude }: any) => {
        const bash = tool({ name: 'Bash', run: () => 'ran' })
        await swallow(bash.run({ command: 'rm' }))
        await swallow(bash.run({ command: 'ls' }))
        await swallow(claude.messages.create({ model: 'claude-haiku-4-5', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }))
        return 'went on'
      },
    }
    const rule = broken(response, { kinds: ['tool'], when: ({ action }) => JSON.stringify(action).includes('rm') })
    const { sidecar } = rig([withViolations({ rules: [rule] })], undefined, { agent } as never)
    const reply = await sidecar.send('go').catch(error => error.code)
    await settled()
    // After a reap the send itself is over, too.
    expect(reply).toBe(response === 'reap' ? 'ERR_REAPED' : 'went on')
    expect(codes).toEqual(['ERR_VIOLATION', code, code])
    expect(await failure(sidecar.send('again'))).toMatchObject({ code })
  })

  it('goes on after resume()', async () => {
    const { act, host, runtime, effects } = guarded([broken('pause', { when: ({ action }) => action.kind === 'tool' })])
    await failure(act('tool'))
    expect(await failure(act('model'))).toMatchObject({ code: 'ERR_PAUSED' })
    runtime.resume()
    await act('model')
    expect(host.status.paused).toBeUndefined()
    expect(effects).toHaveLength(1)
  })

  it('waits for resume() where whenPaused is wait', async () => {
    const { act, runtime, effects } = guarded([broken('pause', { kinds: ['tool'] })], { whenPaused: 'wait' })
    await failure(act('tool'))
    const later = act('model', 'at last')
    await settled()
    expect(effects).toEqual([])
    runtime.resume()
    expect(await later).toBe('at last')
  })
})

describe('the record', () => {
  const recorded = (fail?: Error) => {
    const written: unknown[] = []
    const own: Recorder = {
      logId: 'log',
      violation: async (_, violation) => {
        if (fail) throw fail
        written.push(violation)
      },
    }
    return { written, outside: [layer('withSigning', undefined, { attach: host => recorder.set(host, own) })] }
  }
  const disk = new SigningError('no space left')

  it('has what did not refuse the action, before the effect', async () => {
    const { written, outside } = recorded()
    const seen: number[] = []
    const { act, effects } = guarded([broken('warn'), broken('deny', { shadow: true })], {
      outside: [...outside, layer('withLook', (_, next) => next().then(() => void seen.push(written.length, effects.length)))],
    })
    await act('tool')
    expect(written).toEqual([
      { ruleId: 'deny', response: 'deny', details: 'always', kind: 'tool', shadow: true },
      { ruleId: 'warn', response: 'warn', details: 'always', kind: 'tool', shadow: false },
    ])
    expect(seen).toEqual([2, 1])
  })

  it('has the others beside what refuses: that one is the end of the action', async () => {
    const { written, outside } = recorded()
    const { act } = guarded([broken('warn'), broken('deny')], { outside })
    expect(await failure(act('tool'))).toMatchObject({ ruleId: 'deny' })
    expect(written).toEqual([expect.objectContaining({ ruleId: 'warn' })])
  })

  it('that cannot be written stops the action before it happens', async () => {
    const { outside } = recorded(disk)
    const { act, effects, host } = guarded([broken('warn')], { outside })
    expect(await failure(act('tool'))).toBe(disk)
    expect(effects).toEqual([])
    expect(host.status.failing).toBeUndefined()
  })

  it('that cannot be written after the effect makes the sidecar fail', async () => {
    const { outside } = recorded(disk)
    const { act, effects, host } = guarded([broken('warn', { stages: ['result'] })], { outside })
    expect(await failure(act('tool'))).toBe(disk)
    expect(effects).toHaveLength(1)
    expect(host.status.failing).toContain('withViolations')
    expect(await failure(act('tool'))).toBeInstanceOf(LayerError)
  })

  it('has a result that was released, once it is judged', async () => {
    const { written, outside } = recorded()
    const { act } = guarded([broken('deny', { stages: ['result'], onResult: 'release' })], { outside })
    expect(await act('send', 'reply')).toBe('reply')
    expect(written).toHaveLength(1)
  })
})

describe('a parent', () => {
  it('is told of its child, and so is every ancestor', async () => {
    const top = guarded([], { name: 'jake' })
    const middle = guarded([], { name: 'boss', parent: top })
    const child = guarded([broken('warn')], { name: 'mortal', parent: middle })
    await child.act('tool')
    expect(child.of('violation')).toEqual([expect.not.objectContaining({ child: expect.anything() })])
    for (const ancestor of [middle, top])
      expect(ancestor.of('violation')).toEqual([
        expect.objectContaining({ ruleId: 'warn', child: 'mortal-1', agent: ancestor.host.agent.id }),
      ])
    expect(middle.layer.meta.expose.violations).toEqual([])
  })

  it('hears a decision of notifyParent, and nothing is blocked', async () => {
    const parent = guarded([], { name: 'jake' })
    const child = guarded([broken('notifyParent')], { name: 'mortal', parent })
    expect(await child.act('tool', 'done')).toBe('done')
    expect(parent.of('decision')).toEqual([
      expect.objectContaining({ agent: 'jake-1', child: 'mortal-1', reason: 'rule notifyParent: always' }),
    ])
    expect(child.of('decision')).toEqual([])
  })

  it('hears it too where another rule denies', async () => {
    const parent = guarded([], { name: 'jake' })
    const child = guarded([broken('deny'), broken('notifyParent')], { name: 'mortal', parent })
    await failure(child.act('tool'))
    expect(parent.of('decision')).toHaveLength(1)
  })

  it('binds its child by its own rules, whatever those of the child say, and down to grandchildren', async () => {
    const never = broken('deny', { id: 'never', kinds: ['tool'] })
    const parent = guarded([never])
    const child = guarded({ rules: [broken('warn', { id: 'never', kinds: ['tool'] })], shadow: true }, { parent, name: 'child' })
    const grandchild = mountedWith(child.layer.meta.inherit!(child.layer)!, { parent: child, name: 'grandchild' })
    for (const one of [child, grandchild]) {
      expect(await failure(one.act('tool'))).toMatchObject({ ruleId: 'never', response: 'deny' })
      expect(one.effects).toEqual([])
    }
  })

  it('that judges in shadow leaves its child free', async () => {
    const parent = guarded({ rules: [broken('deny')], shadow: true })
    const child = guarded([], { parent, name: 'child' })
    await child.act('tool')
    expect(child.of('violation')).toEqual([expect.objectContaining({ ruleId: 'deny', shadow: true })])
    const heir = mountedWith(parent.layer.meta.inherit!(parent.layer)!, { parent, name: 'heir' })
    await heir.act({ kind: 'tool', name: 'Write', input: { file_path: '.context/key', content: '' } })
    expect(heir.layer.meta.expose.violations.map(({ shadow }: { shadow: boolean }) => shadow)).not.toContain(false)
  })

  it('and child with one rule in both lists have it judged once', async () => {
    const both = broken('warn')
    const child = guarded([both], { parent: guarded([both]), name: 'child' })
    await child.act('tool')
    expect(child.of('violation')).toHaveLength(1)
  })

  it('finds its rules and their digest in policyInForce', () => {
    const own = broken('warn')
    const parent = guarded([broken('deny')])
    const child = guarded([own], { parent, name: 'child' })
    const [above, below] = [policyInForce.get(parent.host), policyInForce.get(child.host)]
    expect(below.rules).toEqual(expect.arrayContaining([own, ...above.rules]))
    expect(below.digest).toBe(policyDigest(below.rules))
    expect(below.digest).not.toBe(above.digest)
    expect(Object.isFrozen(below) && Object.isFrozen(below.rules)).toBe(true)
  })

  it('counts for each child anew', async () => {
    const quota = () => rules.rule({ id: 'unused', check: () => undefined })
    const counting = { ...quota(), id: 'once', begin: counter }
    const parent = guarded([counting])
    await parent.act('tool')
    await guarded([], { parent, name: 'one' }).act('tool')
    const two = guarded([], { parent, name: 'two' })
    await two.act('tool')
    expect(await failure(two.act('tool'))).toMatchObject({ ruleId: 'once' })

    function counter() {
      let n = 0
      return () => (++n > 1 ? { details: `${n}` } : undefined)
    }
  })
})

describe('rules', () => {
  it('cannot be changed after creation', async () => {
    const list = [broken('deny')]
    const { act } = guarded({ rules: list })
    list.length = 0
    expect(await failure(act('tool'))).toMatchObject({ ruleId: 'deny' })
    const loose = { ...broken('deny') }
    const second = guarded([loose])
    Object.assign(loose, { response: 'warn' })
    expect(await failure(second.act('tool'))).toMatchObject({ response: 'deny' })
  })

  it('of the layer itself: an agent may not touch what binds it', async () => {
    const { act, effects } = guarded([])
    const touch: Action = { kind: 'tool', name: 'Write', input: { file_path: '.context/log/x', content: '' } }
    expect(await failure(act(touch))).toBeInstanceOf(ViolationError)
    expect(effects).toEqual([])
  })

  it('that wait are waited for, and an abort ends the wait', async () => {
    const verdict = gate<undefined>()
    const { act, effects, runtime } = guarded([rules.rule({ id: 'slow', kinds: ['tool'], check: () => verdict.promise })])
    const one = act('tool', 'ok')
    await settled()
    expect(effects).toEqual([])
    verdict.open(undefined)
    expect(await one).toBe('ok')

    const never = guarded([rules.rule({ id: 'slow', kinds: ['tool'], check: () => new Promise<undefined>(() => {}) })])
    const caller = new AbortController()
    const work = failure(never.runtime.run(never.runtime.context(actions.tool), async () => {}, caller.signal))
    await settled()
    const reason = new Error('enough')
    caller.abort(reason)
    expect(await work).toBe(reason)
    expect(runtime.inFlight).toBe(0)
  })

  it('that find something after an abort are told of, and stop the sidecar', async () => {
    const verdict = gate<{ readonly details: string }>()
    const slow = rules.rule({ id: 'slow', kinds: ['tool'], response: 'reap', check: () => verdict.promise })
    const { effects, host, of, runtime } = guarded([slow])
    const caller = new AbortController()
    const work = failure(runtime.run(runtime.context(actions.tool), async ({ action }) => void effects.push(action), caller.signal))
    await settled()
    caller.abort(new Error('enough'))
    await work
    verdict.open({ details: 'late' })
    await settled()
    expect(effects).toEqual([])
    expect(of('violation')).toEqual([expect.objectContaining({ ruleId: 'slow', response: 'reap' })])
    expect(host.status.reaped).toBe('rule slow: late')
  })

  it('that fail refuse', async () => {
    const { act, effects } = guarded([
      rules.rule({
        id: 'bug',
        check: () => {
          throw new TypeError('a bug')
        },
      }),
    ])
    expect(await failure(act('tool'))).toMatchObject({ ruleId: 'bug' })
    expect(effects).toEqual([])
  })

  it('see agent, labels and the result', async () => {
    const seen: unknown[] = []
    const look = rules.rule({ id: 'look', stages: ['action', 'result'], check: subject => void seen.push(subject) })
    const { act } = guarded([look])
    await act('tool', { rows: 3 })
    const agent = expect.objectContaining({ id: 'probe-1' })
    expect(seen).toEqual([
      { stage: 'action', action: actions.tool, agent, labels: {} },
      { stage: 'result', action: actions.tool, agent, labels: {}, result: { rows: 3 } },
    ])
  })
})

describe('shadow', () => {
  it('judges and records, and changes nothing', async () => {
    const ways = responses.flatMap(response =>
      (['action', 'result'] as const).map(stage => broken(response, { id: `${response} ${stage}`, stages: [stage], onResult: 'withhold' })),
    )
    const { act, host, of, layer: own } = guarded({ rules: ways, shadow: true })
    for (const kind of kinds) expect(await act(kind, 'given')).toBe('given')
    expect(host.status).toMatchObject({ paused: undefined, reaped: undefined })
    expect(own.meta.expose.violations).toHaveLength(kinds.length * ways.length)
    expect(own.meta.expose.violations.every((violation: { shadow: boolean }) => violation.shadow)).toBe(true)
    expect(of('decision')).toEqual([])
  })
})

describe('violations', () => {
  it('keeps the newest, counts all, and shows frozen entries in a list that is made anew only when it changes', async () => {
    const { act, layer: own } = guarded({ rules: [broken('warn', { kinds: ['tool'] })], keep: 3 })
    for (let n = 0; n < 5; n++) await act('tool')
    const { violations } = own.meta.expose
    expect(violations.map(({ action }: { action: string }) => action)).toEqual(['probe-1.3', 'probe-1.4', 'probe-1.5'])
    expect(own.meta.snapshot!()).toEqual({ count: 5, kept: violations })
    expect(own.meta.expose.violations).toBe(violations)
    expect(Object.isFrozen(violations) && violations.every(Object.isFrozen)).toBe(true)
    await act('tool')
    expect(own.meta.expose.violations).not.toBe(violations)
  })

  it('go on from what a process before had noted, and tell nobody of that again', async () => {
    const rules = [broken('warn', { kinds: ['tool'] })]
    const before = guarded({ rules, keep: 3 })
    for (let n = 0; n < 5; n++) await before.act('tool')
    const written = JSON.stringify(before.layer.meta.snapshot!())

    const heard: unknown[] = []
    const { act, of, layer: own } = guarded({ rules, keep: 3, past: JSON.parse(written), onViolation: found => void heard.push(found) })
    expect(JSON.stringify(own.meta.snapshot!())).toBe(written)
    expect(own.meta.expose.violations.every(Object.isFrozen)).toBe(true)
    expect([...heard, ...of('violation')]).toEqual([])
    await act('tool')
    expect(own.meta.snapshot!()).toMatchObject({
      count: 6,
      kept: [{ action: 'probe-1.4' }, { action: 'probe-1.5' }, { action: 'probe-1.1' }],
    })
    expect(heard).toHaveLength(1)
    expect(guarded({ rules, keep: 1, past: JSON.parse(written) }).layer.meta.expose.violations).toHaveLength(1)
  })

  it('keeps none with keep: 0', async () => {
    const { act, layer: own } = guarded({ rules: [broken('warn')], keep: 0 })
    await act('tool')
    expect(own.meta.snapshot!()).toEqual({ count: 1, kept: [] })
  })

  it('are told to onViolation; what it throws changes nothing and is noted', async () => {
    const heard: unknown[] = []
    const faults = [
      () => {
        throw new TypeError('ours is broken')
      },
      () => Promise.reject(new RangeError('late')),
      () => undefined,
    ]
    const {
      act,
      layer: own,
      host,
    } = guarded({
      rules: [broken('warn')],
      onViolation: violation => {
        heard.push(violation)
        return faults[heard.length - 1]!()
      },
    })
    for (const name of ['TypeError', 'RangeError']) {
      await act('tool')
      await settled()
      expect(host.status.degraded.get('withViolations')).toBe(`withViolations failed: ${name}`)
    }
    await act('tool')
    expect(heard).toEqual(own.meta.expose.violations)
  })

  it('stand in the result of call()', async () => {
    const { sidecar } = rig([withViolations({ rules: [broken('warn', { kinds: ['send'] })] })])
    const { violations, id } = await sidecar.call('hello')
    expect(violations).toEqual([expect.objectContaining({ ruleId: 'warn', kind: 'send', details: 'always', action: id })])
    expect((sidecar as any).violations).toHaveLength(1)
  })
})

describe('withViolations', () => {
  it('refuses wrong options at once', () => {
    const make = (options: unknown) => () => withViolations(options as never)
    expect(make(undefined)).toThrow(TypeError)
    expect(make({})).toThrow('rules must be a list')
    expect(make({ rules: [{}] })).toThrow('rules[0] is no rule')
    expect(make({ rules: [null] })).toThrow('rules[0] is no rule')
    expect(make({ rules: [rules.rule] })).toThrow('rules[0] is no rule')
    expect(make({ rules: [], shadow: 'yes' })).toThrow('shadow must be true or false')
    for (const keep of [-1, 1.5, Number.NaN, '3']) expect(make({ rules: [], keep })).toThrow(RangeError)
    expect(make({ rules: [], onViolation: 1 })).toThrow('onViolation must be a function')
    for (const past of [null, 5, {}, { count: 1 }, { count: 1, kept: [{}] }])
      expect(make({ rules: [], past })).toThrow('past must be what snapshot() said')
    for (const count of [-1, 0.5, undefined]) expect(make({ rules: [], past: { count, kept: [] } })).toThrow(RangeError)
    expect(make({ rules: [], rule: [] })).toThrow('unknown option "rule"')
  })

  it('does not start where a forbidden call is not denied', () => {
    jest.isolateModules(() => {
      jest.doMock('outrigger/policy', () => ({
        ...jest.requireActual('outrigger/policy'),
        openJudge: () => ({ rules: [], judge: () => ({ response: 'allow', all: [] }) }),
      }))
      const { withViolations: own } = require('outrigger/middleware')
      const { createSidecar } = require('outrigger')
      const made = () => createSidecar({ agent: { name: 'a', send: async () => '' }, use: [own({ rules: [broken('deny')] })] })
      expect(made).toThrow('was not denied in the self-test')
      try {
        made()
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_CONFIG', name: ConfigError.name })
      }
      jest.dontMock('outrigger/policy')
    })
  })
})
