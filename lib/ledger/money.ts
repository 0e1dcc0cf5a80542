const decimal = /^(0|[1-9]\d*)(?:\.(\d{1,9}))?$/
const exponent = /^(\d)(?:\.(\d+))?e-(\d+)$/
const fix = "give a decimal string such as '0.25' with at most 9 decimals, or 'unlimited' where a budget may be without a cap"

const shown = (value: unknown) =>
  typeof value === 'string' ? `'${value.slice(0, 40)}'` : typeof value === 'number' ? `${value}` : value === null ? 'null' : typeof value

/** `1.5e-7` as `0.00000015`: JavaScript writes numbers below 10⁻⁶ that way. */
function withoutExponent(text: string): string {
  const [, whole, fraction = '', places] = exponent.exec(text) ?? []
  return places === undefined ? text : `0.${'0'.repeat(Number(places) - 1)}${whole}${fraction}`
}

/**
 * USD as integer nano-USD (10⁻⁹ USD), exact: a string digit by digit, a number by its shortest decimal form.
 * @throws TypeError for anything but a string or a number.
 * @throws RangeError for an empty string, a sign, an exponent, NaN, Infinity, more than 9 decimals, and more than 2⁵³ − 1 nano-USD.
 */
export function parseUsd(value: string | number): number {
  if (typeof value !== 'string' && typeof value !== 'number') throw new TypeError(`${shown(value)} is no amount of USD; ${fix}`)
  const match = decimal.exec(typeof value === 'number' ? withoutExponent(String(value)) : value)
  if (!match) throw new RangeError(`${shown(value)} is no amount of USD; ${fix}`)
  const nano = Number(match[1] + (match[2] ?? '').padEnd(9, '0'))
  if (!Number.isSafeInteger(nano))
    throw new RangeError(`${shown(value)} USD is more than 9007199.254740991, the most that is exact; ${fix}`)
  return nano
}

/**
 * Nano-USD as a decimal string, exact, without a currency sign, with 2 to 9 decimals: `250_000_000` is `'0.25'`.
 * @throws RangeError when it is no safe integer.
 */
export function formatUsd(nanoUsd: number): string {
  if (!Number.isSafeInteger(nanoUsd)) throw new RangeError(`${shown(nanoUsd)} is no amount of nano-USD; give a safe integer`)
  const digits = String(Math.abs(nanoUsd)).padStart(10, '0')
  const decimals = digits.slice(-9).replace(/0{1,7}$/, '')
  return `${nanoUsd < 0 ? '-' : ''}${digits.slice(0, -9)}.${decimals}`
}
