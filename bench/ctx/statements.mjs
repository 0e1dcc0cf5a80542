// The statements of the language's documents, one after the other, for ever.
import { readFileSync } from 'node:fs'

const all = readFileSync(new URL('../../test/vectors/ctx-statements.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n')

/** @returns {() => string} */
export function statements() {
  let at = -1
  return () => all[++at % all.length]
}
