/** The digits of a text, without what stands between them. */
export function digitsOf(text: string): readonly number[] {
  return [...text.replace(/\D/g, '')].map(Number)
}

/** Sum of the products of digits and weights. */
export function weighted(digits: readonly number[], weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * digits[at]!, 0)
}

/** ISO/IEC 7812-1, annex B: every second digit from the right counts double. */
export function luhn(digits: readonly number[]): boolean {
  const sum = [...digits].reverse().reduce((total, digit, at) => total + (at % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0)), 0)
  return sum % 10 === 0
}

/** The number that digits and letters spell (A is 10, Z is 35), modulo 97: ISO/IEC 7064, as an IBAN uses it. */
export function mod97(text: string): number {
  let rest = 0
  for (const character of text) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest
}

/** ISO/IEC 7064, MOD 11,10: the last digit checks those before it. */
export function mod11And10(digits: readonly number[]): boolean {
  let product = 10
  for (const digit of digits.slice(0, -1)) {
    const sum = (digit + product) % 10 || 10
    product = (sum * 2) % 11
  }
  return (11 - product) % 10 === digits.at(-1)
}
