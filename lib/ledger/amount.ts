import type { Allocation, UnitAmounts } from './types.js'

const most = Number.MAX_SAFE_INTEGER
const shown = (value: unknown) => (typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value)

/**
 * For store authors: both amounts are safe integers of 0 or more.
 * @throws RangeError with the value otherwise.
 */
export function checkAmounts(amounts: UnitAmounts): void {
  checkAmount('nanoUsd', amounts.nanoUsd)
  checkAmount('tokens', amounts.tokens)
}

/**
 * For store authors: the amount is a safe integer of 0 or more.
 * @throws RangeError with the value otherwise.
 */
export function checkAmount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return
  throw new RangeError(`${name}: ${shown(value)} is no amount; give an integer from 0 to ${most}`)
}

/**
 * For store authors: the cap is a safe integer of 0 or more, or `'unlimited'`; nothing is unlimited by accident.
 * @throws RangeError with the value otherwise.
 */
export function checkAllocation(name: string, value: Allocation): void {
  if (value === 'unlimited' || (Number.isSafeInteger(value) && value >= 0)) return
  throw new RangeError(`${name}: ${shown(value)} is no cap; give an integer from 0 to ${most}, or 'unlimited'`)
}

/**
 * For store authors: the id is a string of 1 to 512 characters.
 * @throws TypeError otherwise.
 */
export function checkId(name: string, value: string): void {
  if (typeof value === 'string' && value.length > 0 && value.length <= 512) return
  throw new TypeError(`${name}: give a string of 1 to 512 characters`)
}

/**
 * For store authors: the fence, where given, is a safe integer of 0 or more.
 * @throws RangeError otherwise.
 */
export function checkFence(value: number | undefined): void {
  if (value !== undefined) checkAmount('fence', value)
}
