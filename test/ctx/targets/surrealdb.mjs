// SurrealDB, in a process of its own.
import './keep-byte-order-marks.mjs'
import { createNodeEngines } from '@surrealdb/node'
import { Surreal } from 'surrealdb'
import { serve } from './serve.mjs'

const database = new Surreal({ engines: createNodeEngines() })
await database.connect('mem://')
await database.use({ namespace: 'outrigger', database: 'ctx' })

/** JSON writes a moment, a record's id and the like as the text that they look like: they must not pass for one. */
function withoutTypes(name, value) {
  const type = this[name]?.constructor?.name
  if (typeof value === 'string' && type !== 'String' && !['id', 'in', 'out'].includes(name)) throw new TypeError(`${name} is a ${type}`)
  return value
}

// Results of several statements, as JSON has them: a record's id is of no use to anybody here.
serve({ query: async sql => JSON.parse(JSON.stringify(await database.query(sql), withoutTypes)) })
