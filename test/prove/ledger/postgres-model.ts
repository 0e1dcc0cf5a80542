import { Pool } from 'pg'
import { migrate, postgresStore } from '../../../lib/ledger/postgres/index.js'
import { runModel } from '../../ledger/model.js'
import { startServer } from '../../ledger/postgres/server.js'
import type { Proof } from '../proof.js'

const tables = ['account', 'hold', 'entry', 'change']

export const proof: Proof = {
  group: 'ledger',
  name: 'random operations on PostgreSQL agree with a reference model, and nothing is ever overspent',
  full: 100_000,
  small: 80,
  async run({ n, seed }) {
    const server = await startServer()
    const pool = new Pool({ connectionString: server.url })
    const schema = `model_${process.pid}`
    const emptied = async () => {
      await pool.query(`truncate ${tables.map(table => `"${schema}".${table}`).join(', ')}; update "${schema}".counter set seq = 0`)
      return postgresStore({ pool, schema })
    }
    try {
      await migrate({ pool, schema })
      const { tried, failed, first } = await runModel({ n, seed, makeStore: emptied })
      if (first) process.stderr.write(`${first}\n`)
      return { tried, failed }
    } finally {
      await pool.end()
      await server.end()
    }
  },
}
