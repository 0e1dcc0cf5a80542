import fc from 'fast-check'
import { type DocumentNode, type GraphQLEnumType, validateSchema, visit } from 'graphql'
import { CtxUnsupportedError } from '../../../lib/core/errors.js'
import type { CTXStatement } from '../../../lib/ctx/language/ast.js'
import { hiddenAt } from '../../../lib/ctx/language/escape.js'
import { planes, verbs } from '../../../lib/ctx/language/grammar.js'
import type { Operation } from '../../../lib/ctx/targets/operation.js'
import { operationOf } from '../../../lib/ctx/targets/read-operation.js'
import { Translator } from '../../../lib/ctx/targets/translator.js'
import { countOf, lineOf, statementOf } from '../every-short-statement.js'
import { everyPair, statements } from '../statements.js'
import { engineContract } from './contract.js'
import { GraphqlJs } from './graphql-js.js'

const translator = new Translator()
const said = (ctx: CTXStatement | string): string => translator.translate(ctx, 'graphql').output
const batch = (...ctx: readonly string[]): string => translator.translateBatch(ctx, 'graphql').output

/** What a statement asks for; nothing where it means nothing. */
function asked(statement: CTXStatement): Operation | undefined {
  try {
    return operationOf(statement)
  } catch (error) {
    if (error instanceof CtxUnsupportedError) return undefined
    throw error
  }
}

const shortStatements = Array.from({ length: countOf(3) }, (_, index) => index)
  .filter(index => index < countOf(2) || index % 101 === 0)
  .flatMap(index => statementOf(lineOf(index)) ?? [])

function stringsOf(document: DocumentNode): string[] {
  const found: string[] = []
  visit(document, {
    StringValue: ({ value, block }) => {
      expect(block).toBe(false)
      found.push(value)
    },
  })
  return found.sort()
}

/** Every text that an operation holds; what comes from a closed table is none. */
function textsOf(value: unknown, key = ''): string[] {
  if (typeof value === 'string') return ['does', 'operator', 'plane', 'verb', 'by'].includes(key) ? [] : [value]
  if (Array.isArray(value)) return value.flatMap(one => textsOf(one))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, one]) => [
    ...(key === 'fields' ? [name] : []),
    ...textsOf(one, key === 'fields' ? '' : name),
  ])
}

describe('graphql, on graphql-js', () => {
  engineContract({ target: 'graphql', open: async () => new GraphqlJs(), numRuns: 25 })

  const server = new GraphqlJs()
  beforeEach(() => server.reset())

  it('writes each statement as one visible line', () => {
    expect(said('+m decision #arch "Use PASETO"')).toBe(
      'mutation { store(plane: m, name: "decision", text: "Use PASETO", tags: ["arch"]) }',
    )
    expect(said('^a code-review agent="claude-opus"')).toBe(
      'mutation { delegate(plane: a, name: "code-review", fields: [{ name: "agent", value: "claude-opus" }]) }',
    )
    expect(said('!m "a\\"\\\\\\u{a}\\u{2028}\\u{e0001}é"')).toBe(
      'query { lookup(plane: m, name: "a\\"\\\\\\n\\u2028\\udb40\\udc01é") { plane verb name text fields { name value } tags project format weight created changed } }',
    )
    expect(said('?m @traverse a ^depth=2')).toBe('query { traverse(plane: m, from: "a", depth: 2) { name step } }')
  })

  it('has an output for every pair of operator and plane', () => {
    for (const { operator, plane } of everyPair) server.checked(said(`${operator}${plane} x${operator === '~' ? ' "y"' : ''}`))
  })

  it('writes one definition of the schema, whatever the statement: all of one more token, and one in 101 of two', () => {
    const meant = shortStatements.filter(asked)
    expect(meant.length).toBeGreaterThan(1_000)
    for (const statement of meant) server.checked(said(statement))
  })

  it('holds the texts of the statement, and no other', () => {
    const meant = fc.sample(statements, 5_000).filter(asked)
    expect(meant.length).toBeGreaterThan(100)
    for (const statement of meant) {
      const output = said(statement)
      expect(hiddenAt(output)).toBe(-1)
      expect(stringsOf(server.checked(output))).toEqual(textsOf(operationOf(statement)).sort())
    }
  })

  it('says a number that has more than 32 bits', async () => {
    expect(said('?m @999999999999999y @0001-01-01 ^999999999999999')).toContain(
      'within: [9007199254740991], since: [-62135596800], limit: 2147483647)',
    )
    expect(said('?m @decay #threshold:999999.5')).toContain('by: decay, threshold: 999999500000)')
    await server.run(said('+m a'))
    expect(await server.run(said('?m @999999999999999y ^999999999999999'))).toHaveLength(1)
    expect(await server.run(said('?m @decay #threshold:999999.5'))).toEqual([])
  })

  it('gives when an entry was stored and changed', async () => {
    await server.run(said('+m a'))
    await server.age(100)
    await server.run(said('~m @promote a'))
    const { lookup } = (await server.answers(said('!m a'))) as { lookup: readonly { created: number; changed: number }[] }
    expect(lookup[0]!.changed - lookup[0]!.created).toBe(100)
  })

  describe('a batch', () => {
    it('is a query where it only reads', () => {
      expect(batch('?m a', '!m b', '?m @traverse c')).toMatch(/^query {\n {2}s1: search\(.*\n {2}s2: lookup\(.*\n {2}s3: traverse\(.*\n}$/)
    })

    it('is a mutation otherwise, in which each reads what those before it have done', async () => {
      const { s1, s2, s3, s4, s5, s6 } = await server.answers(batch('?m a', '+m a "one"', '+m a', '!m a ^1', '-m a', '?m'))
      expect([s1, s2, s3, s5, s6]).toEqual([[], 1, 1, 2, []])
      expect(s4).toEqual([expect.objectContaining({ name: 'a', text: 'one', weight: 1 })])
    })

    it('does nothing where it is empty', async () => {
      expect(await server.answers(batch())).toEqual({ __typename: 'Query' })
    })

    it('is refused whole before anything is written where one statement means nothing', () => {
      expect(() => batch('+m a', '-m')).toThrow(CtxUnsupportedError)
    })

    it('is all or nothing on a server that takes back what it has done, and not by GraphQL itself', async () => {
      const small = new GraphqlJs(2)
      const three = batch('+m a', '+m b', '+m c')
      await expect(small.runBatch(three)).rejects.toThrow('the store is full')
      expect((await small.content()).entries).toEqual([])
      const { errors } = await small.execute(three)
      expect(errors).toHaveLength(1)
      expect((await small.content()).entries.map(({ name }) => name)).toEqual(['a', 'b'])
    })
  })

  describe('the schema', () => {
    it('has the planes and the verbs of the language', () => {
      const names = (type: string): string[] => (server.schema.getType(type) as GraphQLEnumType).getValues().map(({ name }) => name)
      expect(names('Plane').sort()).toEqual([...planes].sort())
      expect(names('Verb')).toEqual(verbs)
    })

    it.each([
      'update(plane: m, text: "a")',
      'update(plane: m, name: "a")',
      'update(plane: m, name: "a", text: "b", fields: [])',
      'store(plane: m, text: "b", fields: [])',
      'promote(plane: m)',
      'delete(plane: m, tags: [])',
    ])('allows what a server refuses: %s', async field => {
      await expect(server.run(`mutation { ${field} }`)).rejects.toThrow(AggregateError)
      expect((await server.content()).entries).toEqual([])
    })

    it('is a valid one', () => {
      expect(validateSchema(server.schema)).toEqual([])
    })
  })
})
