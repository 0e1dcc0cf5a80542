import type { CTXFilter, CTXFilterType, CTXPayload, CTXStatement } from '../../lib/ctx/language/ast.js'
import {
  decoratorWords,
  filterWords,
  heads,
  modelHeads,
  modelVerbs,
  nouns,
  storedVerbs,
  tagWords,
  unitWords,
  verbPlanes,
} from '../../lib/ctx/targets/emitters/human-words.js'
import { unescaped } from '../../lib/ctx/language/escape.js'
import type { CTXVerb } from '../../lib/ctx/language/grammar.js'

type Head = Pick<CTXStatement, 'operator' | 'plane' | 'verb'>
const head = (pair: string, verb?: string): Head => ({ operator: pair[0], plane: pair[1], ...(verb && { verb }) }) as Head

/** Every beginning that a sentence can have, longest first; the verb of a model stands later. */
export const beginnings: readonly (readonly [text: string, head: Head])[] = [
  ...Object.entries(heads).map(([pair, text]) => [text, head(pair)] as const),
  ...Object.entries(storedVerbs).flatMap(([verb, text]) =>
    Object.entries(verbPlanes).map(([plane, words]) => [text + words, head(`+${plane}`, verb)] as const),
  ),
  [modelHeads['>l']!, head('>l')] as const,
].sort(([a], [b]) => b.length - a.length)

const inverse = (words: Iterable<readonly [string, string]>): ReadonlyMap<string, string> =>
  new Map([...words].map(([key, word]) => [word, key]))

const tagOf = inverse(tagWords)
const verbOf = inverse(Object.entries(modelVerbs))
const decoratorOf = inverse(Object.entries(decoratorWords))
const typeOf = inverse(Object.entries(filterWords))
const unitOf = inverse(Object.entries(unitWords))

type Parts = { -readonly [K in keyof Omit<CTXStatement, 'raw'>]: CTXStatement[K] }

class Sentence {
  constructor(public rest: string) {}

  /** Takes a text, or the first of several, where the sentence goes on with it. */
  take(...texts: readonly string[]): string | undefined {
    const found = texts.find(text => this.rest.startsWith(text) && /^(?:$|[ ,:"])/.test(this.rest.slice(text.length) || ''))
    if (found !== undefined) this.rest = this.rest.slice(found.length)
    return found
  }

  match(pattern: RegExp): string | undefined {
    const found = pattern.exec(this.rest)
    if (found?.index !== 0) return undefined
    this.rest = this.rest.slice(found[0].length)
    return found[1] ?? found[0]
  }

  quoted(): string | undefined {
    const inner = this.match(/"((?:[^"\\]|\\.)*)"/s)
    return inner === undefined ? undefined : unescaped(inner)
  }
}

/**
 * What a sentence says: the inverse of the emitter, written apart from it, with its word tables alone. An emitter that has an inverse cannot
 * say two things alike. Throws where it cannot be read.
 */
export function readSentence(text: string): Omit<CTXStatement, 'raw'> {
  const sentence = new Sentence(text)
  const found = beginnings.find(([beginning]) => sentence.take(beginning) !== undefined)
  if (!found) throw new Error(`no sentence begins so: ${text}`)
  const statement = { ...found[1], filters: [] as CTXFilter[] } as Parts
  const decorator = sentence.take(...[...decoratorOf.keys()].map(words => ` ${words}`))
  if (decorator) statement.decorator = { name: decoratorOf.get(decorator.slice(1)) as never }
  readObject(sentence, statement)
  const more = readFilters(sentence)
  statement.filters = [...statement.filters, ...more]
  const payload = readEnding(sentence)
  if (payload) statement.payload = payload
  if (sentence.rest !== '') throw new Error(`left over: ${sentence.rest}`)
  return statement
}

function readObject(
  sentence: Sentence,
  statement: { target?: string; verb?: CTXVerb; operator: string; plane: string; filters: readonly CTXFilter[] },
): void {
  if (statement.operator === '?' && / for (?:"|[a-z])/.exec(sentence.rest)?.index === 0 && !takeVerb(sentence, statement))
    sentence.take(' for')
  if (sentence.rest.startsWith(' "')) {
    sentence.rest = sentence.rest.slice(1)
    statement.target = sentence.quoted()!
  } else if (statement.plane === 'm') readNoun(sentence, statement)
  takeVerb(sentence, statement)
}

function takeVerb(sentence: Sentence, statement: { verb?: CTXVerb; plane: string }): boolean {
  const words = statement.plane === 'l' ? sentence.take(...[...verbOf.keys()].map(use => ` for ${use}`)) : undefined
  if (words) statement.verb = verbOf.get(words.slice(' for '.length)) as CTXVerb
  return words !== undefined
}

function readNoun(sentence: Sentence, statement: { target?: string; filters: readonly CTXFilter[] }): void {
  const run = /^(?: [a-z-]+)+/.exec(sentence.rest)?.[0].split(' ').slice(1) ?? []
  const known = run.findIndex(word => !tagOf.has(word) && !nouns.has(word))
  const words = run.slice(0, known < 0 ? run.length : known)
  if (words.length === 0) return
  const noun = words.pop()!
  if (!nouns.has(noun)) throw new Error(`no noun: ${noun}`)
  statement.target = noun
  statement.filters = words.map(word => ({ type: 'tag', value: tagOf.get(word)! }))
  sentence.rest = sentence.rest.slice(` ${[...words, noun].join(' ')}`.length)
}

function readFilters(sentence: Sentence): CTXFilter[] {
  const filters: CTXFilter[] = []
  for (;;) {
    const again = filters.at(-1)?.type === 'tag' && sentence.rest.startsWith(' and ')
    const words = again ? sentence.take(' and') : sentence.take(...[...typeOf.keys()].flatMap(word => [` ${word}`, `, ${word}`]))
    if (words === undefined) return filters
    const type = again ? 'tag' : (typeOf.get(words.replace(/^,? /, '')) as CTXFilterType)
    sentence.rest = sentence.rest.slice(1)
    filters.push({ type, value: readValue(sentence, type) })
  }
}

function readValue(sentence: Sentence, type: CTXFilterType): string {
  if (type === 'limit' || type === 'depth') return sentence.match(/\d+/)!
  if (type === 'time') return timeOf(sentence)
  const quoted = sentence.rest.startsWith('"') ? sentence.quoted() : undefined
  const value = quoted ?? tagOf.get(sentence.match(/[a-z-]+/)!)
  if (value === undefined) throw new Error(`no value of ${type}`)
  return value
}

function timeOf(sentence: Sentence): string {
  const span = sentence.match(/the last \d+ [a-z]+/)
  if (span === undefined) return sentence.match(/[\d:.TZ-]*[\dZ]/)!
  const [, , count, unit] = span.split(' ')
  return count + unitOf.get(count === '1' ? unit! : unit!.replace(/s$/, ''))!
}

function readEnding(sentence: Sentence): CTXPayload | undefined {
  if (sentence.match(/: /)) {
    const text = sentence.rest.startsWith('"') ? sentence.quoted()! : sentence.match(/.+/s)!
    return { text, raw: '' }
  }
  if (!sentence.match(/ with /)) return undefined
  const fields: Record<string, string> = {}
  do {
    const key = sentence.match(/(\w+) /)!
    fields[key] = sentence.rest.startsWith('"') ? sentence.quoted()! : sentence.match(/\d+/)!
  } while (sentence.match(/, /))
  return { fields, raw: '' }
}
