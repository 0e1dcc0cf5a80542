// PostgreSQL, in a process of its own.
import { serve } from './serve.mjs'

// PGlite's reader drops a byte order mark at the start of a text that the database has kept.
globalThis.TextDecoder = class extends TextDecoder {
  constructor(label, options) {
    super(label, { ...options, ignoreBOM: true })
  }
}
const { PGlite } = await import('@electric-sql/pglite')

const database = await PGlite.create()

serve({
  query: async sql => (await database.query(sql)).rows,
  exec: async sql => void (await database.exec(sql)),
})
