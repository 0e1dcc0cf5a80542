import fc from 'fast-check'
import { pairs } from '../../../lib/ctx/language/grammar.js'
import { CTXParser } from '../../../lib/ctx/language/parser.js'
import { serialize } from '../../../lib/ctx/language/serializer.js'
import { operationOf } from '../../../lib/ctx/targets/read-operation.js'
import { Translator } from '../../../lib/ctx/targets/translator.js'
import { comparable, engineContract, tell } from './contract.js'
import { type Reached, Rows } from './rows.js'
import { hostileStory } from './stories.js'
import { type SurrealEngine, surrealEngine } from './surreal-engine.js'

const translator = new Translator()
const surrealqlOf = (ctx: string): string => translator.translate(ctx, 'surrealql').output

const parser = new CTXParser()
const run = (rows: Rows, ctx: string) => rows.run(operationOf(parser.parse(ctx)))
const stepsOf = (answer: unknown): readonly number[] => (answer as readonly Reached[]).map(({ step }) => step)

const planes = fc.constantFrom('m', 'k')
const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', "it's", 'valueOf')
const edges = fc.array(
  fc.tuple(planes, names, names).map(([plane, from, to]) => `+${plane} @relate "${from}->to->${to}"`),
  { maxLength: 14 },
)
const walks = fc.array(
  fc.tuple(planes, names, fc.nat(16)).map(([plane, from, depth]) => `?${plane} @traverse "${from}" ^depth=${depth}`),
  { minLength: 4, maxLength: 4 },
)

/** What SurrealQL writes other types with, and what earlier versions of it took for one. */
const looks = [
  ...['2026-01-01T00:00:00Z', "d'2026-01-01T00:00:00Z'", 'ctx_node:1', "r'ctx_node:1'", '018f2a3e-7b1c-7000-8000-000000000000', '1.5f'],
  ...['1dec', '1h30m', 'NONE', 'NULL', 'true', '/a/', '$this', '1..2', '\\u{41}', '\\x41', 'file:/a', '{ a: 1 }', '[1]'],
]

describe('surrealql on SurrealDB', () => {
  let engine: SurrealEngine
  const open = async (): Promise<SurrealEngine> => {
    engine = await surrealEngine()
    return engine
  }
  engineContract({ target: 'surrealql', open, numRuns: 40 })

  it('runs a batch as a whole or not at all', async () => {
    const { output } = translator.translateBatch(['+m a "1"', '+m b "2"'], 'surrealql')
    await expect(engine.runBatch(output.replace("'b'", '3'))).rejects.toThrow()
    expect((await engine.content()).entries).toEqual([])
    await engine.runBatch(output)
    expect((await engine.content()).entries).toHaveLength(2)
  })

  it('takes any text in a batch for what it is', async () => {
    const stories = fc.asyncProperty(hostileStory, async story => {
      await engine.reset()
      const texts = story.map(serialize)
      await engine.runBatch(translator.translateBatch(texts, 'surrealql').output)
      const rows = new Rows()
      for (const ctx of texts) run(rows, ctx)
      expect(comparable(await engine.content())).toEqual(comparable(rows.content))
    })
    await fc.assert(stories, { numRuns: 25 })
  })

  it.each(looks)('keeps the text %s a text', async text => {
    const quoted = JSON.stringify(text)
    await tell(engine, 'surrealql', [
      `+m ${quoted} *${quoted} #${quoted} #${quoted} ${quoted}`,
      `+k ${quoted} source=${quoted} a=${quoted}`,
      `~m ${quoted} a=${quoted}`,
      `!m ${quoted}`,
      `?k @grounded ${quoted}`,
      `?m #${quoted}`,
      `+m @relate ${JSON.stringify(`${text}->${text}->x`)}`,
      `?m @traverse ${quoted}`,
      `>t ${quoted} a=${quoted}`,
    ])
  })

  it('walks any graph in the fewest steps, the nearest first', async () => {
    const graphs = fc.asyncProperty(edges, walks, async (said, asked) => {
      await engine.reset()
      await tell(engine, 'surrealql', [...said, ...asked])
      const rows = new Rows()
      for (const ctx of said) run(rows, ctx)
      for (const ctx of asked.flatMap(walk => [walk, `${walk} ^2`]))
        expect({ ctx, steps: stepsOf(await engine.run(surrealqlOf(ctx))) }).toEqual({ ctx, steps: stepsOf(run(rows, ctx)) })
    })
    await fc.assert(graphs, { numRuns: 25 })
  })

  it('is defined for every pair of operator and plane, and each runs', async () => {
    for (const [operator, planes] of Object.entries(pairs))
      for (const plane of planes)
        await engine.run(surrealqlOf(/[?!-]/.test(operator) ? `${operator}${plane} x` : `${operator}${plane} x "text"`))
  })

  it('takes as many words and filters as a statement may have', async () => {
    await engine.run(surrealqlOf('+m note "w7 w8999"'))
    const words = Array.from({ length: 9_000 }, (_, n) => `w${n}`).join(' ')
    expect(await engine.run(surrealqlOf(`?m @similar "${words}"`))).toHaveLength(1)
    const tags = Array.from({ length: 256 }, (_, n) => `#t${n}`).join(' ')
    await engine.run(surrealqlOf(`+m tagged ${tags}`))
    expect(await engine.run(surrealqlOf(`?m ${tags}`))).toHaveLength(1)
  })

  it.each([
    ['spans', (n: number): string => `@${300_000 - n}s`],
    ['moments', (n: number): string => `@2001-01-01T00:00:${`${n % 60}`.padStart(2, '0')}`],
    ['both', (n: number): string => (n % 2 ? `@${300_000 - n}s` : '@2001-01-01')],
  ])('takes as many times as a statement may have: %s', async (_, time) => {
    const times = Array.from({ length: 256 }, (_, n) => time(n)).join(' ')
    await tell(engine, 'surrealql', [
      '+m note "old"',
      `?m ${times}`,
      `~m ${times} "new"`,
      `~m @promote ${times}`,
      `?m @changes ${times}`,
      `-m ${times}`,
    ])
  })

  it('means the last of several times', async () => {
    const [early, late] = ['@2001-01-01', '@2100-01-01']
    await tell(engine, 'surrealql', [
      '+m note',
      ...['@9000s', '@90000s', early].flatMap(time => [`?m @15000s ${time}`, `?m ${time} @15000s`, `?m ${late} ${time}`]),
    ])
  })

  it.each([
    [1, '0.7', 3_702_857],
    [1, '0.5', 5_184_000],
    [3, '0.03375', 230_400_000],
    [7, '0.7', 25_920_000],
    [11, '0.011', 2_592_000_000],
  ])('counts an entry of weight %d in at the very second of the threshold %s, and no second later', async (weight, threshold, age) => {
    await engine.run(surrealqlOf('+m x'))
    const output = surrealqlOf(`?m @decay #threshold:${threshold}`).replaceAll('time::unix()', '0')
    const found = async (seconds: number): Promise<number> => {
      const [, rows] = await engine.query(`UPDATE ctx_memory SET weight = ${weight}, changed = ${-seconds}; ${output}`)
      return rows.length
    }
    expect([await found(age - 2_592_000), await found(age - 2_591_999)]).toEqual([1, 0])
  })

  it('tells strengths apart that differ by less than a millionth, and bears any weight', async () => {
    for (const ctx of ['+m heavy', '+m second', '+m first']) await engine.run(surrealqlOf(ctx))
    await engine.query(`UPDATE ctx_memory SET changed = time::unix() - 315360100, created = 0 WHERE name = 'first';
      UPDATE ctx_memory SET changed = time::unix() - 315360200, created = 1 WHERE name = 'second';
      UPDATE ctx_memory SET weight = ${Number.MAX_SAFE_INTEGER} WHERE name = 'heavy'`)
    expect(await engine.run(surrealqlOf('?m @decay'))).toMatchObject([{ name: 'heavy' }, { name: 'first' }, { name: 'second' }])
  })

  it('takes a change of a clock that was ahead for one of now', async () => {
    for (const seconds of [2_592_000, 9_999_999]) {
      await engine.reset()
      await engine.run(surrealqlOf('+m ahead'))
      await engine.age(-seconds)
      expect(await engine.run(surrealqlOf('?m @decay #threshold:1'))).toHaveLength(1)
      expect(await engine.run(surrealqlOf('?m @decay #threshold:1.000001'))).toHaveLength(0)
    }
  })

  it('walks a graph in which everything leads everywhere', async () => {
    const names = Array.from({ length: 8 }, (_, n) => `n${n}`)
    for (const a of names) for (const b of names) await engine.run(surrealqlOf(`+m @relate ${a}->to->${b}`))
    expect(await engine.run(surrealqlOf('?m @traverse n0 ^depth=16'))).toHaveLength(7)
  })
})

describe('the sub-emitters of surrealql', () => {
  it.each([
    ['+m x', 'CREATE ctx_memory CONTENT'],
    ['+k x', 'CREATE ctx_knowledge CONTENT'],
    ['+s x', 'CREATE ctx_document CONTENT'],
    ['>t x', 'CREATE ctx_call CONTENT'],
    ['+m @relate a->b->c', "RELATE ctx_node:['m', 'a']->ctx_edge->ctx_node:['m', 'c'] CONTENT"],
    ['?m @traverse a', 'SELECT * FROM (SELECT name, math::min(step) AS step FROM'],
    ['?k x', 'SELECT plane, verb'],
  ])('%s: %s', (ctx, begins) => {
    expect(surrealqlOf(ctx).slice(0, begins.length)).toBe(begins)
  })
})
