// Group ledger: what durable books cost.
import { flatRow, groupRow, memoryRow, pairRow } from './ledger/sqlite.mjs'

/** @returns {Promise<import('./measure.mjs').Row[]>} */
export async function rows() {
  const rows = []
  for (const make of [memoryRow, pairRow, groupRow, flatRow]) rows.push(await make())
  return rows
}
