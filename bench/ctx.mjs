// Group ctx: the language, the record and its verification.
import { appendRow, verifyRow } from './ctx/flat.mjs'
import { portableRow, signedRow as appendedRow } from './ctx/record.mjs'
import { everyTargetRow, humanRow } from './ctx/translate.mjs'
import { batchedRow, signedRow } from './ctx/verify.mjs'

/** @returns {Promise<import('./measure.mjs').Row[]>} */
export async function rows() {
  const rows = []
  for (const make of [humanRow, everyTargetRow, appendedRow, portableRow, signedRow, batchedRow, appendRow, verifyRow])
    rows.push(await make())
  return rows
}
