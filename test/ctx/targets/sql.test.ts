import fc from 'fast-check'
import { parse } from 'libpg-query'
import { sqlSchema } from '../../../lib/ctx/targets/emitters/sql-schema.js'
import { pairs } from '../../../lib/ctx/language/grammar.js'
import { serialize } from '../../../lib/ctx/language/serializer.js'
import { Translator } from '../../../lib/ctx/targets/translator.js'
import { documented, engineContract } from './contract.js'
import type { Engine } from './engine.js'
import { postgres, type Sql, sqlEngine, sqlite } from './sql-engine.js'
import { hostileStory } from './stories.js'

const translator = new Translator()
const sqlOf = (ctx: string): string => translator.translate(ctx, 'sql').output

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

  it.each(['2000-02-29 23:59:59', '1999-12-31 00:00:00', '2024-03-01 12:34:56', '2100-02-28 00:00:01', '1970-01-01 00:00:00'])(
    'counts the seconds to %s right',
    async moment => {
      const view = sqlSchema.slice(sqlSchema.indexOf('  SELECT (')).replace('CAST(CURRENT_TIMESTAMP AS TEXT)', `'${moment}'`)
      const [row] = await database.query(view)
      expect(Number(Object.values(row!)[0])).toBe(Date.parse(`${moment.replace(' ', 'T')}Z`) / 1_000)
    },
  )
})

describe('the text of sql', () => {
  it('is exactly one statement to the parser of PostgreSQL, whatever the texts', async () => {
    const stories = [...fc.sample(hostileStory, { numRuns: 60, seed: 1 })].flat().map(serialize)
    for (const ctx of [...documented, ...stories]) expect([ctx, (await parse(sqlOf(ctx))).stmts?.length]).toEqual([ctx, 1])
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
