import { CTXParser } from '../../lib/ctx/language/parser.js'
import { verbPairs, verbs } from '../../lib/ctx/language/grammar.js'
import { everyPair } from './statements.js'

const heads = everyPair.flatMap(({ operator, plane }) => {
  const pair = operator + plane
  return [pair, ...(verbPairs.includes(pair) ? verbs.map(verb => `${pair}:${verb}`) : [])]
})

/** Every part that a statement can have, with values that are table words in one place and not in another. */
const parts = [
  ...['@similar', '@relate', 'decision', 'lesson', 'arch', '"architecture decision"', '"for completion"', '"a\\": b"'],
  ...['#arch', '#decision', '#architecture', '#my', '#"a\\" and \\"b"', '#"depth:1"', '@1d', '@7d', '^1', '^depth=1', '*a', '&a'],
  ...['""', '"a"', '"\\"a\\""', '"a: b"', '" with a 1"', '"\\u{a}"', '"\\\\u{a}"', '="a"', 'a=1', 'a=b', 'b=1'],
]

/** How many lines of up to so many tokens there are, the operator with its plane and verb being the first. */
export const countOf = (tokens: number): number => {
  let count = 0
  for (let rest = 0; rest < tokens; rest++) count += heads.length * parts.length ** rest
  return count
}

/** The line of that number: the shorter ones first. */
export function lineOf(index: number): string {
  let rest = 0
  for (; index >= heads.length * parts.length ** rest; rest++) index -= heads.length * parts.length ** rest
  const tokens = [heads[index % heads.length]!]
  index = Math.floor(index / heads.length)
  for (let i = 0; i < rest; i++) {
    tokens.push(parts[index % parts.length]!)
    index = Math.floor(index / parts.length)
  }
  return tokens.join(' ')
}

const parser = new CTXParser()

/** The statement of a line; nothing where the line is none: a payload before another, a decorator after a target. */
export function statementOf(line: string): ReturnType<CTXParser['parse']> | undefined {
  try {
    return parser.parse(line)
  } catch {
    return undefined
  }
}
