import type { OutriggerError } from './errors.js'

/** Marks our errors. A registered symbol, so that ESM and CommonJS copies of this package know each other's. */
export const brand: unique symbol = Symbol.for('outrigger.v1.error')

/** Is it an error made by this copy of the package or another? */
export function isOurs(error: unknown): error is OutriggerError {
  return typeof error === 'object' && error !== null && brand in error
}
