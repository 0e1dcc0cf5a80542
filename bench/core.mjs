// Group core: the chain, one model action, a call over HTTP, the weight of a sidecar.
import { chainRow } from './core/chain.mjs'
import { heapRow } from './core/heap.mjs'
import { httpRow } from './core/http.mjs'
import { manyRow } from './core/many.mjs'
import { modelActionRow } from './core/model-action.mjs'
import { batchedRow, signedRow, unsignedRow } from './core/signed-action.mjs'

/** @returns {Promise<import('./measure.mjs').Row[]>} */
export async function rows() {
  const rows = []
  for (const make of [chainRow, modelActionRow, unsignedRow, signedRow, batchedRow, httpRow, heapRow, manyRow]) rows.push(await make())
  return rows
}
