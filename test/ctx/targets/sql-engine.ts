import Database from 'libsql'
import { sqlSchema } from '../../../lib/ctx/targets/emitters/sql-schema.js'
import { Child } from './child.js'
import type { Engine } from './engine.js'
import type { Answer, Call, Content, Edge, Entry, Reached } from './rows.js'

/** A database, as far as both have one way. */
export interface Sql {
  query(sql: string): Promise<readonly Fields[]>
  /** Several statements. */
  exec(sql: string): Promise<void>
  close(): Promise<void>
}

type Fields = Readonly<Record<string, any>>

export async function sqlite(): Promise<Sql> {
  const database = new Database(':memory:')
  return {
    query: async sql => {
      const statement = database.prepare(sql)
      if (statement.reader) return statement.all() as Fields[]
      statement.run()
      return []
    },
    exec: async sql => void database.exec(sql),
    close: async () => void database.close(),
  }
}

export async function postgres(): Promise<Sql> {
  const child = await Child.start('pglite.mjs')
  return {
    query: sql => child.call('query', sql),
    exec: sql => child.call('exec', sql),
    close: () => child.stop(),
  }
}

const tables = ['ctx_entry', 'ctx_edge', 'ctx_call'] as const

/** The tables of the schema in a database. */
export async function sqlEngine(database: Sql): Promise<Engine> {
  await database.exec(sqlSchema)
  return {
    async run(output) {
      const rows = await database.query(output)
      return /^(?:SELECT|WITH)\b/.test(output) ? (rows.map(answerOf) as Answer) : undefined
    },
    async runBatch(output) {
      try {
        await database.exec(output)
      } catch (error) {
        await database.exec('ROLLBACK')
        throw error
      }
    },
    async content(): Promise<Content> {
      const [entries, edges, calls] = await Promise.all(tables.map(table => database.query(`SELECT * FROM ${table}`)))
      return { entries: entries!.map(entryOf), edges: edges!.map(edgeOf), calls: calls!.map(callOf) }
    },
    async age(seconds) {
      await database.query(`UPDATE ctx_entry SET created = created - ${seconds}, changed = changed - ${seconds}`)
    },
    reset: () => database.exec(tables.map(table => `DELETE FROM ${table};`).join('\n')),
    close: () => database.close(),
  }
}

const answerOf = (row: Fields): Entry | Reached => ('step' in row ? { name: row.name, step: Number(row.step) } : entryOf(row))

const shared = ({ plane, verb, text, fields, tags, project, format }: Fields) => ({
  plane,
  verb,
  text,
  fields: fields === null ? null : JSON.parse(fields),
  tags: JSON.parse(tags),
  project,
  format,
})

const entryOf = (row: Fields): Entry => ({ ...shared(row), name: row.name, weight: Number(row.weight) })
const callOf = (row: Fields): Call => ({ ...shared(row), name: row.name, operator: row.operator })
const edgeOf = (row: Fields): Edge => ({ ...shared(row), from: row.source, relation: row.relation, to: row.target })
