import { canonicalJson } from '../canonical-json.js'
import { quote } from '../language/escape.js'
import { firstCharacters, isWritable } from './label.js'
import { sha256 } from '../sha256.js'

/** How much of a text stands in the record: its SHA-256, that and its first 80 characters, or the whole. */
export type RecordedContent = 'digest' | 'excerpt' | 'full'

const excerptCharacters = 80
// A statement is at most 64 KiB: half of it for one text leaves room for the rest.
const longestFull = 32_768

/** What is written for a value that is neither JSON nor what `JSON.stringify` makes something of. */
const notJson = 'not JSON'

/** A value as text, and the name of what was done to it. */
interface Text {
  readonly text: string
  /** `sha256` for a text, or a value in canonical JSON. */
  readonly digest: 'sha256' | 'json:sha256'
}

/** Canonical JSON; where a value has none (lone surrogates, integers beyond 2^53 - 1), what `JSON.stringify` makes of it, under another name. */
function jsonText(value: unknown): Text | undefined {
  try {
    return { text: canonicalJson(value), digest: 'sha256' }
  } catch {
    return looseText(value)
  }
}

function looseText(value: unknown): Text | undefined {
  try {
    const text = JSON.stringify(value) as string | undefined
    return text === undefined ? undefined : { text, digest: 'json:sha256' }
  } catch {
    return undefined
  }
}

/** The digest of a value's canonical JSON: `sha256:<hex>`. */
export function jsonDigest(value: unknown): string {
  const text = jsonText(value)
  return text ? digestOf(text) : notJson
}

const digestOf = ({ text, digest }: Text): string => `${digest}:${sha256(text)}`

/** The fields that a statement has for one content. With `json`, a text is JSON like any other value; without, it is taken as it is. */
export function contentFields(
  name: string,
  value: unknown,
  content: RecordedContent = 'digest',
  json = false,
): readonly (readonly [string, string])[] {
  const text: Text | undefined = typeof value === 'string' && !json ? { text: value, digest: 'sha256' } : jsonText(value)
  if (!text) return [[name, notJson]]
  if (content === 'full' && fits(text.text)) return [[name, text.text.normalize('NFC')]]
  const digest = [name, digestOf(text)] as const
  return content === 'digest' ? [digest] : [digest, [`${name}_excerpt`, firstCharacters(text.text, excerptCharacters)]]
}

const fits = (text: string): boolean =>
  text.length <= longestFull && isWritable(text) && Buffer.byteLength(quote(text.normalize('NFC'))) <= longestFull
