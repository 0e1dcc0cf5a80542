import type { CTXPayload } from './ast.js'
import { bannedKeys } from './grammar.js'
import type { Scanner } from './scanner.js'

/** Is it the start of a field, `key=`, and so of a payload? */
export const isFieldStart = (word: string): boolean => /^\w+=/.test(word)

/**
 * Is it a text that says it is the payload, `="text"`? Right after the plane a quoted text is the target: without this, no statement could
 * have a text and nothing else.
 */
export const isMarkedText = (word: string): boolean => word.startsWith('="')

/** Takes a payload: a quoted text, or all fields that follow each other. @throws CtxParseError */
export function readPayload(scan: Scanner): CTXPayload {
  const start = scan.at
  if (isMarkedText(scan.word)) scan.at++
  if (scan.next === '"') {
    const text = scan.takeQuoted('INVALID_PAYLOAD')
    return { text, raw: scan.text.slice(start, scan.at) }
  }
  const fields = readFields(scan)
  return { fields, raw: scan.text.slice(start, scan.at).trimEnd() }
}

function readFields(scan: Scanner): Record<string, string> {
  const fields: Record<string, string> = {}
  do {
    const [key, at] = readKey(scan)
    if (bannedKeys.includes(key)) scan.fail('BANNED_KEY', `a name other than ${bannedKeys.join(', ')}`, key, at)
    if (Object.hasOwn(fields, key)) scan.fail('INVALID_PAYLOAD', 'each name once', key, at)
    fields[key] = scan.next === '"' ? scan.takeQuoted('INVALID_PAYLOAD') : scan.takeWord(/./, 'INVALID_PAYLOAD', 'a value after the =')
    scan.skipSpace()
  } while (isFieldStart(scan.word))
  return fields
}

function readKey(scan: Scanner): [key: string, at: number] {
  const { at } = scan
  const key = /^\w+(?==)/.exec(scan.word)?.[0]
  if (key === undefined) scan.fail('INVALID_PAYLOAD', 'a filter, a quoted text or key="value"; a target of several words is quoted')
  scan.at += key!.length + 1
  return [key!, at]
}
