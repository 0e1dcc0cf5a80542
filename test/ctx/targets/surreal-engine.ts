import { surrealqlSchema } from '../../../lib/ctx/targets/emitters/surrealql/schema.js'
import { Child } from './child.js'
import type { Engine } from './engine.js'
import type { Answer, Call, Edge, Entry, Reached } from './rows.js'

type Fields = Readonly<Record<string, any>>

const entryTables = ['ctx_memory', 'ctx_knowledge', 'ctx_document']
const tables = [...entryTables, 'ctx_call', 'ctx_edge', 'ctx_node']

export interface SurrealEngine extends Engine {
  /** What each statement gives. */
  query(statements: string): Promise<readonly any[]>
}

/** The tables of the schema in an embedded SurrealDB. */
export async function surrealEngine(): Promise<SurrealEngine> {
  const child = await Child.start('surrealdb.mjs')
  const query = (sql: string): Promise<readonly any[]> => child.call('query', sql)
  await query(surrealqlSchema)
  return {
    query,
    async run(output) {
      const results = await query(output)
      expect(results).toHaveLength(1)
      return output.startsWith('SELECT') ? (results[0].map(answerOf) as Answer) : undefined
    },
    runBatch: async output => void (await query(output)),
    async content() {
      const edge = 'SELECT *, record::id(in)[1] AS source, record::id(out)[1] AS target FROM ctx_edge'
      const [entries, edges, calls] = await query(`SELECT * FROM ${entryTables.join(', ')}; ${edge}; SELECT * FROM ctx_call`)
      return { entries: entries.map(entryOf), edges: edges.map(edgeOf), calls: calls.map(callOf) }
    },
    age: async seconds =>
      void (await query(`UPDATE ${entryTables.join(', ')} SET created -= ${seconds}, changed -= ${seconds} RETURN NONE`)),
    reset: async () => void (await query(tables.map(table => `DELETE ${table};`).join(' '))),
    close: () => child.stop(),
  }
}

const answerOf = (row: Fields): Entry | Reached => ('step' in row ? { name: row.name, step: row.step } : entryOf(row))

const shared = ({ plane, verb, text, fields, tags, project, format }: Fields) => ({
  plane,
  verb: verb ?? null,
  text: text ?? null,
  fields: fields ?? null,
  tags,
  project: project ?? null,
  format: format ?? null,
})

const entryOf = (row: Fields): Entry => ({ ...shared(row), name: row.name ?? null, weight: row.weight })
const callOf = (row: Fields): Call => ({ ...shared(row), name: row.name ?? null, operator: row.operator })
const edgeOf = (row: Fields): Edge => ({ ...shared(row), from: row.source, relation: row.relation, to: row.target })
