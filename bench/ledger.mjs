// Group ledger: what durable books cost.
import { postgresFlatRow, postgresPairRow } from './ledger/postgres.mjs'
import { flatRow, groupRow, memoryRow, pairRow } from './ledger/sqlite.mjs'

/** @returns {Promise<import('./measure.mjs').Row[]>} */
export async function rows() {
  const rows = []
  for (const make of [memoryRow, pairRow, groupRow, flatRow, postgresPairRow, postgresFlatRow]) rows.push(await make())
  return rows
}
