import fc from 'fast-check'
import {
  type Broken,
  type Checker,
  judge,
  openJudge,
  policyDigest,
  type Response,
  type Rule,
  responses,
  rules,
  severities,
  type Subject,
} from 'outrigger/policy'
import { request, tool } from './support.js'

const subject: Subject = { stage: 'action', action: tool('Read', {}) }
const broken: Checker = () => ({ details: 'no' })

/** A rule that is always broken. */
const no = (id: string, options: Partial<Parameters<typeof rules.rule>[0]> = {}): Rule => rules.rule({ id, check: broken, ...options })
const yes = (id: string): Rule => rules.rule({ id, check: () => undefined })

describe('openJudge', () => {
  it('answers at once, with one frozen object, where nothing is broken', () => {
    const judged = openJudge([yes('a'), rules.maxTokens(1000), rules.network()])
    const first = judged.judge(subject)
    expect(first).toEqual({ response: 'allow', all: [] })
    expect(judged.judge({ stage: 'action', action: request() })).toBe(first)
    expect(Object.isFrozen(first)).toBe(true)
  })

  it('the strictest response wins, whatever the order; the others are listed, strictest first', async () => {
    const five = responses.map(response => no(response, { response }))
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(five, { minLength: 1 }), async some => {
        const order = some.map(({ response }) => responses.indexOf(response)).sort((a, b) => b - a)
        const { response, ruleId, all } = await judge(some, subject.action)
        expect(all.map(one => responses.indexOf(one.response))).toEqual(order)
        expect([response, ruleId]).toEqual([responses[order[0]!], responses[order[0]!]])
      }),
    )
  })

  it('deny wins over rules that are kept, in every order, whoever answers late', async () => {
    const late = (id: string, check: Checker): Rule => rules.rule({ id, check: async given => check(given) })
    const some = [
      yes('a'),
      no('deny'),
      late('late', () => undefined),
      late('late deny', broken),
      rules.tools({ allow: ['Read'] }),
      no('warn', { response: 'warn' }),
    ]
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(some, { minLength: some.length }), async all => {
        const judgement = await judge(all, subject.action)
        expect([judgement.response, judgement.all.map(({ ruleId }) => ruleId).sort()]).toEqual(['deny', ['deny', 'late deny', 'warn']])
      }),
    )
  })

  it('asks every rule, also behind one that is broken', () => {
    const asked: string[] = []
    const note = (id: string): Rule => rules.rule({ id, check: () => void asked.push(id) })
    openJudge([note('a'), no('b'), note('c'), no('d'), note('e')]).judge(subject)
    expect(asked).toEqual(['a', 'c', 'e'])
  })

  it('a shadow rule is listed and decides nothing', async () => {
    const judgement = await judge([no('shadow', { response: 'reap', shadow: true }), no('warn', { response: 'warn' })], subject.action)
    expect([judgement.response, judgement.ruleId]).toEqual(['warn', 'warn'])
    expect(judgement.all.map(({ ruleId, shadow }) => [ruleId, shadow])).toEqual([
      ['shadow', true],
      ['warn', false],
    ])
    expect(await judge([no('shadow', { shadow: true })], subject.action)).toMatchObject({ response: 'allow', all: [{ shadow: true }] })
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('secret')
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret'))],
    ['answers null', () => null],
    ['answers false', () => false],
    ['answers true', () => true],
    ['answers without details', () => ({})],
    ['answers late with nonsense', async () => 'secret'],
  ])('a rule that %s is broken', async (_name, check) => {
    const judgement = await judge([rules.rule({ id: 'bad', check: check as Checker, response: 'pause' })], subject.action)
    expect(judgement).toMatchObject({ response: 'pause', ruleId: 'bad', details: 'the rule failed' })
    expect(JSON.stringify(judgement)).not.toContain('secret')
  })

  it('says what was broken, frozen', async () => {
    const judgement = await judge([no('a', { severity: 'critical' })], subject.action)
    const one: Broken = { ruleId: 'a', severity: 'critical', response: 'deny', details: 'no', shadow: false, stage: 'action' }
    expect(judgement).toEqual({ response: 'deny', ruleId: 'a', details: 'no', all: [one] })
    expect([Object.isFrozen(judgement), Object.isFrozen(judgement.all), Object.isFrozen(judgement.all[0])]).toEqual([true, true, true])
  })

  it('a rule looks only at its stages and kinds', async () => {
    const some = [
      no('result', { stages: ['result'] }),
      no('model', { kinds: ['model'] }),
      no('tool', { kinds: ['tool'] }),
      no('all', { stages: ['action', 'result'] }),
    ]
    const ids = async (given: Subject) => (await openJudge(some).judge(given)).all.map(({ ruleId }) => ruleId).sort()
    expect(await ids(subject)).toEqual(['all', 'tool'])
    expect(await ids({ stage: 'result', action: subject.action, result: 1 })).toEqual(['all', 'result'])
    expect(await ids({ stage: 'action', action: request() })).toEqual(['all', 'model'])
  })

  it('no rules allow everything; a subject of an unknown kind is an error', () => {
    expect(openJudge([]).judge(subject)).toEqual({ response: 'allow', all: [] })
    expect(() => openJudge([]).judge({ stage: 'action', action: { kind: 'dance' } } as never)).toThrow(TypeError)
    expect(() => openJudge([]).judge({ stage: 'before', action: subject.action } as never)).toThrow(TypeError)
  })

  it.each([[undefined], [{}], [[undefined]], [[{ id: 'x' }]], [[() => {}]]])('refuses %p for rules', given => {
    expect(() => openJudge(given as never)).toThrow(TypeError)
  })

  it('does not see a rule that is added to the list later', async () => {
    const list = [yes('a')]
    const judged = openJudge(list)
    list.push(no('b'))
    expect(await judged.judge(subject)).toMatchObject({ response: 'allow' })
    expect(judged.rules).toHaveLength(1)
  })

  it('judges three simple rules in a few microseconds', () => {
    const judged = openJudge([rules.maxTokens(1000), rules.tools({ deny: ['x'] }), rules.network()])
    const given: Subject = { stage: 'action', action: request({ tools: [{ name: 'a' }, { name: 'b' }] }) }
    const took = Array.from({ length: 5 }, () => {
      const from = performance.now()
      for (let n = 0; n < 20_000; n++) judged.judge(given)
      return ((performance.now() - from) / 20_000) * 1000
    })
    // A tenfold margin over what it takes on one slow core.
    expect(Math.min(...took)).toBeLessThan(10)
  })
})

describe('judge', () => {
  it('counts afresh each time, and leaves the action alone', async () => {
    const some = [rules.tools({ quota: { Read: 1 } })]
    const action = tool('Read', { file_path: 'a' })
    expect([(await judge(some, action)).response, (await judge(some, action)).response]).toEqual(['allow', 'allow'])
    expect(Object.isFrozen(action.input)).toBe(false)
  })

  it('shows a rule a frozen copy', async () => {
    const seen: unknown[] = []
    await judge([rules.rule({ id: 'a', check: ({ action }) => void seen.push(action) })], tool('Read', { list: [1] }))
    expect(() => (seen[0] as { input: { list: number[] } }).input.list.push(2)).toThrow(TypeError)
  })

  it.each([undefined, null, 'x', {}, { kind: 'x' }])('rejects %p for an action', async action => {
    await expect(judge([], action as never)).rejects.toThrow(TypeError)
  })
})

describe('rules', () => {
  it('none has a response that allows', () => {
    expect(responses).toEqual(['warn', 'notifyParent', 'deny', 'pause', 'reap'])
    expect(severities).toEqual(['info', 'warning', 'error', 'critical'])
    expect(() => no('a', { response: 'allow' as Response })).toThrow(/response must be one of/)
  })

  it.each<[string, Rule, Partial<Rule>]>([
    ['commands', rules.commands({ allow: [] }), {}],
    ['files', rules.files({ deny: ['x'] }), {}],
    ['network', rules.network(), { stages: ['action', 'connect'] }],
    ['tools', rules.tools({ allow: [] }), {}],
    ['content', rules.content({ deny: ['secrets'] }), { onResult: 'withhold', stages: ['action', 'result'] }],
    ['maxTokens', rules.maxTokens(1), {}],
    ['maxChildren', rules.maxChildren(1), {}],
    ['selfModification', rules.selfModification(), { severity: 'critical' }],
    ['own', no('own'), {}],
  ])('%s: the defaults', (id, made, others) => {
    const { facts: _facts, begin: _begin, kinds: _kinds, file: _file, fetch: _fetch, ...rest } = made
    expect(rest).toEqual({ id, response: 'deny', severity: 'error', shadow: false, onResult: 'release', stages: ['action'], ...others })
    expect([Object.isFrozen(made), Object.isFrozen(made.stages), Object.isFrozen(made.kinds), Object.isFrozen(made.facts)]).toEqual([
      true,
      true,
      true,
      true,
    ])
  })

  it('take the options of every rule', () => {
    const common = { id: 'mine', response: 'reap', severity: 'info', shadow: true, onResult: 'withhold' } as const
    const made = [
      rules.maxTokens(1, common),
      rules.maxChildren(1, common),
      rules.network(common),
      rules.selfModification(common),
      no('x', common),
      rules.content({ deny: ['a'], ...common }),
    ]
    for (const one of made) expect(one).toMatchObject(common)
  })

  it.each<[string, unknown, RegExp]>([
    ['no id', { check: broken }, /id must be a non-empty string/],
    ['nothing', undefined, /id must be a non-empty string/],
    ['no check', { id: 'a' }, /check must be a function/],
    ['no stages', { id: 'a', check: broken, stages: [] }, /stages must be a list/],
    ['an unknown kind', { id: 'a', check: broken, kinds: ['models'] }, /kinds must list .* got "models"/],
    ['an unknown option', { id: 'a', check: broken, stage: 'action' }, /unknown option "stage"/],
  ])('rules.rule refuses %s', (_name, given, message) => {
    expect(() => rules.rule(given as never)).toThrow(message)
  })
})

describe('maxTokens', () => {
  const asks = (n: number, asked: number) => judge([rules.maxTokens(n)], request({}, asked))

  it.each([
    [100, 99, 'allow'],
    [100, 100, 'allow'],
    [100, 101, 'deny'],
    [0, 1, 'deny'],
  ])('%d, asked for %d: %s', async (n, asked, response) => {
    expect((await asks(n, asked)).response).toBe(response)
  })

  it('judges an agent with a client of its own by what it declares', async () => {
    const sent = (opaque?: { model: string; maxTokens: number }) => judge([rules.maxTokens(100)], { kind: 'send', message: '', opaque })
    expect([(await sent()).response, (await sent({ model: 'm', maxTokens: 101 })).details]).toEqual([
      'allow',
      'max_tokens 101, 100 allowed',
    ])
  })

  it.each([[undefined], ['5'], [Number.NaN], [-1], [1.5], [Number.POSITIVE_INFINITY]])('refuses %p', n => {
    expect(() => rules.maxTokens(n as never)).toThrow(/n must be a whole number/)
  })
})

describe('maxChildren', () => {
  const spawns = (n: number, siblings?: number) =>
    judge([rules.maxChildren(n)], { kind: 'spawn', name: 'a', type: 'mortal', siblings: siblings! })

  it.each([
    [2, 0, 'allow'],
    [2, 1, 'allow'],
    [2, 2, 'deny'],
    [0, 0, 'deny'],
    [2, undefined, 'deny'],
    [2, Number.NaN, 'deny'],
  ])('%d, with %p there: %s', async (n, siblings, response) => {
    expect((await spawns(n, siblings)).response).toBe(response)
  })

  it('refuses a number that is none', () => {
    expect(() => rules.maxChildren('2' as never)).toThrow(TypeError)
  })
})

describe('policyDigest', () => {
  const some = (): Rule[] => [rules.commands({ deny: ['rm'] }), rules.maxTokens(5), rules.network({ allow: ['example.com'] })]

  it('is equal for equal policies, whatever the order', () => {
    expect(policyDigest(some())).toMatch(/^[0-9a-f]{64}$/)
    expect(policyDigest(some())).toBe(policyDigest(some().reverse()))
  })

  it.each<[string, () => Rule[]]>([
    ['a rule less', () => some().slice(1)],
    ['a rule twice', () => [...some(), rules.maxTokens(5)]],
    ['another figure', () => [rules.commands({ deny: ['rm'] }), rules.maxTokens(6), rules.network({ allow: ['example.com'] })]],
    ['another response', () => [rules.commands({ deny: ['rm'], response: 'reap' }), ...some().slice(1)]],
    ['a shadow', () => [rules.commands({ deny: ['rm'], shadow: true }), ...some().slice(1)]],
    ['another name of a tool', () => [rules.commands({ deny: ['rm'], names: { shell: ['sh'] } }), ...some().slice(1)]],
    ['nothing', () => []],
  ])('differs by %s', (_name, other) => {
    expect(policyDigest(other())).not.toBe(policyDigest(some()))
  })

  it('knows a rule of your own by its id', () => {
    expect(policyDigest([no('a')])).toBe(policyDigest([yes('a')]))
    expect(policyDigest([no('a')])).not.toBe(policyDigest([no('b')]))
  })
})
