// PostgreSQL, in a process of its own.
import './keep-byte-order-marks.mjs'
import { PGlite } from '@electric-sql/pglite'
import { serve } from './serve.mjs'

const database = await PGlite.create()

serve({
  query: async sql => (await database.query(sql)).rows,
  exec: async sql => void (await database.exec(sql)),
})
