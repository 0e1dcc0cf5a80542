// Group policy: what a judgement costs.
import { fiftyRow } from './policy/judge.mjs'
import { nestedRow } from './policy/nested.mjs'

/** @returns {Promise<import('./measure.mjs').Row[]>} */
export async function rows() {
  const rows = []
  for (const make of [fiftyRow, nestedRow]) rows.push(await make())
  return rows
}
