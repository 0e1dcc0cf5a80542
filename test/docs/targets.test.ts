import { decorators, pairs } from '../../lib/ctx/language/grammar.js'
import { EmitterRegistry } from '../../lib/ctx/targets/registry.js'
import { Translator } from '../../lib/ctx/targets/translator.js'
import { documents, section, tableRows } from './documents.js'

const page = documents().find(({ name }) => name === 'docs/ctx.md')!.text
const registry = new EmitterRegistry()
const translator = new Translator(registry)

/** What an output begins with: enough to see what it does, and to what. */
const beginnings: Readonly<Record<string, (output: string) => string | undefined>> = {
  human: output => output.split(' "x"')[0],
  sql: output => /^(?:INSERT INTO|UPDATE|DELETE FROM) \w+/.exec(output)?.[0] ?? `SELECT … ${/FROM \w+/.exec(output)?.[0]}`,
  surrealql: output => /^(?:CREATE|RELATE|UPDATE|DELETE) \w+/.exec(output)?.[0] ?? `SELECT … ${/FROM \w+/.exec(output)?.[0]}`,
  rest: output => /^\w+ [^? ]+/.exec(output)?.[0],
  graphql: output => /^(?:query|mutation) \{ \w+/.exec(output)?.[0],
  'mcp-jsonrpc': output => JSON.parse(output).params.name,
}

const sample = (pair: string): string => (/^[?!-]/.test(pair) ? `${pair} x` : `${pair} x "y"`)

function rowOf(pair: string): readonly (string | undefined)[] {
  const cells = registry.targets.map(target => beginnings[target]!(translator.translate(sample(pair), target).output))
  return [pair, ...cells]
}

describe('the table of all pairs in docs/ctx.md', () => {
  it('has a column for every target', () => {
    expect(Object.keys(beginnings)).toEqual(registry.targets)
  })

  it('shows every allowed pair in every target, as the code has it', () => {
    const expected = Object.entries(pairs).flatMap(([operator, planes]) => [...planes].map(plane => rowOf(operator + plane)))
    expect(tableRows(section(page, 'Every pair in every target'))).toEqual(expected)
  })

  it('names every decorator that a target knows', () => {
    const asked = section(page, 'What a statement asks for')
    expect(decorators.filter(name => !asked.includes(`@${name}`))).toEqual([])
  })
})
