import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { parse } from 'libpg-query'
import { sqlSchema } from '../../../lib/ctx/targets/emitters/sql-schema.js'
import { pairs } from '../../../lib/ctx/language/grammar.js'
import { serialize } from '../../../lib/ctx/language/serializer.js'
import { Translator } from '../../../lib/ctx/targets/translator.js'
import { documented, engineContract, tell } from './contract.js'
import type { Engine } from './engine.js'
import { postgres, type Sql, sqlEngine, sqlite } from './sql-engine.js'
import { hostileStory } from './stories.js'

const translator = new Translator()
const sqlOf = (ctx: string): string => translator.translate(ctx, 'sql').output

/** Of letters and digits that no compression makes shorter. */
const longText = (length: number): string =>
  Array.from({ length: Math.ceil(length / 64) }, (_, n) => createHash('sha256').update(`${n}`).digest('hex'))
    .join('')
    .slice(0, length)

/** Entries and edges enough that an index is worth its while. */
const many = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4000) SELECT 'm', 'n' || CAST(n AS TEXT)`
const filled = [
  `INSERT INTO ctx_entry (plane, name, tags, weight, created, changed) ${many}, '[]', 1, 0, 0 FROM numbers;`,
  `INSERT INTO ctx_edge (plane, source, relation, target, tags, created) ${many}, 'to', 'n' || CAST(n + 1 AS TEXT), '[]', 0 FROM numbers;`,
]

const databases: readonly [string, () => Promise<Sql>, number][] = [
  ['SQLite', sqlite, 60],
  ['PostgreSQL', postgres, 20],
]

describe.each(databases)('sql on %s', (name, start, numRuns) => {
  let database: Sql
  let engine: Engine
  const open = async (): Promise<Engine> => {
    database = await start()
    engine = await sqlEngine(database)
    return engine
  }
  engineContract({ target: 'sql', open, numRuns })

  /** What the view makes of what the database writes for the time. */
  const secondsAt = async (moment: string): Promise<number> => {
    const view = sqlSchema.slice(sqlSchema.indexOf('  SELECT (')).replace('CAST(CURRENT_TIMESTAMP AS TEXT)', `'${moment}'`)
    const [row] = await database.query(view)
    return Number(Object.values(row!)[0])
  }

  it('runs a batch as a whole or not at all', async () => {
    const { output } = translator.translateBatch(['+m a "1"', '+m b "2"'], 'sql')
    await expect(engine.runBatch(output.replace("'b'", '(SELECT nothing FROM nowhere)'))).rejects.toThrow()
    expect((await engine.content()).entries).toEqual([])
    await engine.runBatch(output)
    expect((await engine.content()).entries.map(entry => entry.name).sort()).toEqual(['a', 'b'])
  })

  it('has Unix time in ctx_now, in whatever zone the session is', async () => {
    const zones = name === 'PostgreSQL' ? ['UTC', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Kiritimati', 'America/New_York'] : ['UTC']
    for (const zone of zones) {
      if (name === 'PostgreSQL') await database.exec(`SET TIME ZONE '${zone}'`)
      const before = Math.floor(Date.now() / 1_000)
      const [row] = await database.query('SELECT seconds FROM ctx_now')
      const seconds = Number(row!.seconds)
      expect([zone, seconds >= before, seconds <= Math.ceil(Date.now() / 1_000)]).toEqual([zone, true, true])
    }
  })

  it('takes names and ends of edges as long as a statement may be, and tells them apart by their last character', async () => {
    const long = longText(30_000)
    const story = [`+m ${long}1 "a"`, `+m ${long}2 "b"`, `!m ${long}1`, `~m ${long}2 "c"`, `-m ${long}1`]
    const edges = [`+m @relate ${long}1->to->b`, `+m @relate a->to->${long}1`, `+m @relate ${long}2->to->c`, '?m @traverse a ^depth=3']
    const { entries } = await tell(engine, 'sql', [...story, ...edges])
    expect(entries.map(({ text }) => text)).toEqual(['c'])
  })

  it('finds names and edges by an index, at every step of a walk', async () => {
    const planOf = async (ctx: string): Promise<string> => {
      const rows = await database.query(`EXPLAIN ${name === 'SQLite' ? 'QUERY PLAN ' : ''}${sqlOf(ctx)}`)
      return rows.map(row => row.detail ?? row['QUERY PLAN']).join('\n')
    }
    const byIndex = /plane=\? AND <expr>=\?|Index Cond: .*substr\(/g
    await database.exec([...filled, ...(name === 'PostgreSQL' ? ['ANALYZE;'] : [])].join('\n'))
    for (const [ctx, times] of [
      ['!m n7', 1],
      ['~m n7 "x"', 1],
      ['-m n7', 1],
      ['?m @traverse n7 ^depth=3', 2],
    ] as const)
      expect([ctx, (await planOf(ctx)).match(byIndex)?.length]).toEqual([ctx, times])
    expect(await engine.run(sqlOf('?m @traverse n7 ^depth=3'))).toHaveLength(3)
  })

  it('counts an entry in at the very second of the threshold, and no second later', async () => {
    for (const [weight, threshold, age] of [
      [1, '0.7', 3_702_857],
      [1, '0.5', 5_184_000],
      [3, '0.03375', 230_400_000],
      [7, '0.7', 25_920_000],
      [11, '0.011', 2_592_000_000],
    ]) {
      const output = sqlOf(`?m @decay #threshold:${threshold}`).replaceAll('(SELECT seconds FROM ctx_now)', '0')
      const found = async (seconds: number): Promise<number> => {
        await database.query(`UPDATE ctx_entry SET weight = ${weight}, changed = ${-seconds}`)
        return (await database.query(output)).length
      }
      await engine.reset()
      await engine.run(sqlOf('+m x'))
      expect([threshold, await found(Number(age) - 2_592_000), await found(Number(age) - 2_591_999)]).toEqual([threshold, 1, 0])
    }
  })

  it('tells strengths apart that differ by less than a millionth, and bears any weight', async () => {
    for (const ctx of ['+m heavy', '+m second', '+m first']) await engine.run(sqlOf(ctx))
    const old = `(SELECT seconds FROM ctx_now) - 315360000`
    await database.query(`UPDATE ctx_entry SET changed = ${old} - 100, created = 0 WHERE name = 'first'`)
    await database.query(`UPDATE ctx_entry SET changed = ${old} - 200, created = 1 WHERE name = 'second'`)
    await database.query(`UPDATE ctx_entry SET weight = ${Number.MAX_SAFE_INTEGER} WHERE name = 'heavy'`)
    const found = await engine.run(sqlOf('?m @decay'))
    expect(found).toMatchObject([{ name: 'heavy' }, { name: 'first' }, { name: 'second' }])
  })

  it('takes a change of a clock that was ahead for one of now', async () => {
    await engine.run(sqlOf('+m ahead'))
    for (const seconds of [2_592_000, 9_999_999]) {
      await database.query(`UPDATE ctx_entry SET changed = (SELECT seconds FROM ctx_now) + ${seconds}`)
      expect(await engine.run(sqlOf('?m @decay #threshold:1'))).toHaveLength(1)
      expect(await engine.run(sqlOf('?m @decay #threshold:1.000001'))).toHaveLength(0)
    }
  })

  it.each([
    ['2024-03-01 00:10:20.123456+05:45', '2024-02-29T18:25:20Z'],
    ['2024-02-29 22:00:00-03:30', '2024-03-01T01:30:00Z'],
    ['2024-12-31 23:00:00.5-12', '2025-01-01T11:00:00Z'],
  ])('reads the zone of %s', async (moment, expected) => {
    expect(await secondsAt(moment)).toBe(Date.parse(expected) / 1_000)
  })

  it.each(['2000-02-29 23:59:59', '1999-12-31 00:00:00', '2024-03-01 12:34:56', '2100-02-28 00:00:01', '1970-01-01 00:00:00'])(
    'counts the seconds to %s right',
    async moment => {
      expect(await secondsAt(moment)).toBe(Date.parse(`${moment.replace(' ', 'T')}Z`) / 1_000)
    },
  )
})

describe('the text of sql', () => {
  it('is exactly one statement to the parser of PostgreSQL, whatever the texts', async () => {
    const stories = [...fc.sample(hostileStory, { numRuns: 60, seed: 1 })].flat().map(serialize)
    for (const ctx of [...documented, ...stories]) expect([ctx, (await parse(sqlOf(ctx))).stmts?.length]).toEqual([ctx, 1])
    const { output } = translator.translateBatch(stories, 'sql')
    expect((await parse(output)).stmts).toHaveLength(stories.length + 2)
  })

  it('is defined for every pair of operator and plane', async () => {
    for (const [operator, planes] of Object.entries(pairs))
      for (const plane of planes)
        expect((await parse(sqlOf(`${operator}${plane} x "text"`.replace(/^([?!-].*) "text"$/, '$1')))).stmts).toHaveLength(1)
  })

  it('is the same text for both, and short', () => {
    expect(sqlOf(`+m "it's" #arch "Use PASETO"`)).toBe(
      `INSERT INTO ctx_entry (plane, verb, text, fields, tags, project, format, created, name, weight, changed) SELECT 'm', NULL, 'Use PASETO', NULL, '["arch"]', NULL, NULL, seconds, 'it''s', 1, seconds FROM ctx_now;`,
    )
  })

  it('takes as many words and filters as a statement may have', async () => {
    const engine = await sqlEngine(await sqlite())
    await engine.run(sqlOf('+m note "w7 w30000"'))
    const words = Array.from({ length: 9_000 }, (_, n) => `w${n}`).join(' ')
    expect(await engine.run(sqlOf(`?m @similar "${words}"`))).toHaveLength(1)
    const tags = Array.from({ length: 256 }, (_, n) => `#t${n}`).join(' ')
    await engine.run(sqlOf(`+m tagged ${tags}`))
    expect(await engine.run(sqlOf(`?m ${tags}`))).toHaveLength(1)
    expect(() => sqlOf(`?m ${tags} #more`)).toThrow('at most 256 filters')
    await engine.close()
  })
})
