// Group server: the companion process against a gateway and a plain pipe, each in a process of its own before the same upstream.
import { firstByteRow } from './server/first-byte.mjs'
import { latencyRow } from './server/latency.mjs'
import { memoryRow } from './server/memory.mjs'
import { throughputRow } from './server/throughput.mjs'

/** @returns {Promise<import('./measure.mjs').Row[]>} */
export async function rows() {
  const rows = []
  for (const make of [throughputRow, latencyRow, firstByteRow, memoryRow]) rows.push(await make())
  return rows
}
