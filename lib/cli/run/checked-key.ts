import { UsageError } from '../command.js'

/** What a header can carry, in one line. */
const isKey = (text: string): boolean => /^[\x21-\x7e]+$/.test(text)

/** A key without the space around it. @throws UsageError that names where it is from, and never the key */
export function checkedKey(text: string, from: string): string {
  const key = text.trim()
  if (key === '') throw new UsageError(`${from} gave no key; it must give the key and nothing else`)
  if (!isKey(key)) throw new UsageError(`${from} must give the key alone: one word, without spaces or lines around it`)
  return key
}
