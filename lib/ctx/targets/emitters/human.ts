import type { CTXFilter, CTXPayload, CTXStatement } from '../../language/ast.js'
import { quoteForReading, readsAsItIs } from '../../language/escape.js'
import { isFigure } from '../../language/serializer.js'
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
} from './human-words.js'

/**
 * One English sentence, on one line. Two statements that differ read differently: a word without quotes comes from a closed table, has one
 * place in the sentence and one meaning there; all else is quoted, and escaped as in the language itself. Only the text at the end goes
 * without quotes, where it needs none. The proof runs over all short statements.
 */
export function human(statement: CTXStatement): string {
  const { filters, payload } = statement
  const adjectives = isNoun(statement) ? leadingWords(filters) : []
  const object = objectOf(statement, adjectives)
  return `${beginning(statement)}${object}${filterList(filters.slice(adjectives.length))}${payload ? ending(payload) : ''}`
}

function beginning({ operator, plane, verb, decorator }: CTXStatement): string {
  const pair = `${operator}${plane}`
  const head = verb === undefined ? heads[pair] : (modelHeads[pair] ?? `${storedVerbs[verb]}${verbPlanes[plane]}`)
  return decorator ? `${head} ${decoratorWords[decorator.name]}` : head!
}

const isNoun = ({ plane, target }: CTXStatement): boolean => plane === 'm' && target !== undefined && nouns.has(target)

function leadingWords(filters: readonly CTXFilter[]): string[] {
  const end = filters.findIndex(({ type, value }) => type !== 'tag' || !tagWords.has(value))
  return filters.slice(0, end < 0 ? filters.length : end).map(({ value }) => tagWords.get(value)!)
}

function objectOf(statement: CTXStatement, adjectives: readonly string[]): string {
  const { operator, plane, verb, target } = statement
  const use = verb && plane === 'l' ? ` for ${modelVerbs[verb]}` : ''
  if (target === undefined) return use
  const words = isNoun(statement) ? [...adjectives, target].join(' ') : quoteForReading(target)
  return `${operator === '?' ? ' for' : ''} ${words}${use}`
}

function filterList(filters: readonly CTXFilter[]): string {
  const clauses = filters.map((filter, at) =>
    filter.type === 'tag' && filters[at - 1]?.type === 'tag'
      ? ` and ${tagInWords(filter.value)}`
      : `${comma(filter, at)} ${clause(filter)}`,
  )
  return clauses.join('')
}

const comma = ({ type }: CTXFilter, at: number): string => (at === 0 && type !== 'limit' ? '' : ',')

const tagInWords = (value: string): string => tagWords.get(value) ?? quoteForReading(value)

function clause({ type, value }: CTXFilter): string {
  if (type === 'tag') return `${filterWords.tag} ${tagInWords(value)}`
  if (type === 'time') return `${filterWords.time} ${time(value)}`
  return `${filterWords[type]} ${type === 'limit' || type === 'depth' ? value : quoteForReading(value)}`
}

function time(value: string): string {
  const [, count, unit] = /^(\d+)([smhdwMy])$/.exec(value) ?? []
  return count && unit ? `the last ${count} ${unitWords[unit]}${count === '1' ? '' : 's'}` : value
}

function ending({ text, fields }: CTXPayload): string {
  if (text !== undefined) return `: ${tail(text)}`
  return ` with ${Object.entries(fields ?? {})
    .map(([key, value]) => `${key} ${figureOrQuoted(value)}`)
    .join(', ')}`
}

/** A field's value as a sentence shows it. */
export const figureOrQuoted = (value: string): string => (isFigure(value) ? value : quoteForReading(value))

/** The last text of a sentence: without quotes where nothing could be taken for them, or be lost at the ends. */
const tail = (text: string): string =>
  text !== '' && !text.startsWith('"') && text.trim() === text && isPlainText(text) ? text : quoteForReading(text)

const isPlainText = (text: string): boolean => readsAsItIs(text.replaceAll('"', ''))
