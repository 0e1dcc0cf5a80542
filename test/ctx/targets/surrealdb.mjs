// SurrealDB, in a process of its own.
import './keep-byte-order-marks.mjs'
import { createNodeEngines } from '@surrealdb/node'
import { Surreal } from 'surrealdb'
import { serve } from './serve.mjs'

const database = new Surreal({ engines: createNodeEngines() })
await database.connect('mem://')
await database.use({ namespace: 'outrigger', database: 'ctx' })

// Results of several statements, as JSON has them: a record's id is of no use to anybody here.
serve({ query: async sql => JSON.parse(JSON.stringify(await database.query(sql))) })
