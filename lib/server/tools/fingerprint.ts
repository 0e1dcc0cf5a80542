import { createHash } from 'node:crypto'
import { canonicalJson } from '../../ctx/canonical-json.js'

/**
 * What a call asks for, in 64 characters: the same for the same tool with the same input, in whatever order its fields come. `undefined` where
 * the input is no JSON that two would write alike: it is like no other.
 */
export function fingerprint(name: string, input: unknown): string | undefined {
  try {
    return createHash('sha256')
      .update(canonicalJson([name, input]))
      .digest('hex')
  } catch {
    return undefined
  }
}
