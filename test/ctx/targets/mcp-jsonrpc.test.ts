import { Client, InMemoryTransport } from '@modelcontextprotocol/client'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { CtxUnsupportedError } from '../../../lib/core/errors.js'
import type { CTXStatement } from '../../../lib/ctx/language/ast.js'
import { hiddenAt } from '../../../lib/ctx/language/escape.js'
import type { Operation } from '../../../lib/ctx/targets/operation.js'
import { operationOf } from '../../../lib/ctx/targets/read-operation.js'
import { serialize } from '../../../lib/ctx/language/serializer.js'
import { Translator } from '../../../lib/ctx/targets/translator.js'
import { everyPair, statements } from '../statements.js'
import { engineContract, tell } from './contract.js'
import { McpServer, mcpServer, toolList } from './mcp-server.js'
import { knownStory } from './stories.js'
import { Rows } from './rows.js'
import { toolStory } from './tool-stories.js'

interface Params {
  readonly name: string
  readonly arguments?: Readonly<Record<string, unknown>>
  readonly _meta?: Readonly<Record<string, unknown>>
}

const translator = new Translator()
const said = (ctx: CTXStatement | string): string => translator.translate(ctx, 'mcp-jsonrpc').output
const batch = (...ctx: readonly string[]): string => translator.translateBatch(ctx, 'mcp-jsonrpc').output
const paramsOf = (line: string): Params => JSON.parse(line).params

const strict = new Ajv2020({ strict: true, strictRequired: false, allErrors: true })
const validators = new Map(toolList.tools.map(({ name, inputSchema }) => [name, strict.compile(inputSchema)]))

/** What a statement asks for; nothing where it means nothing. */
function asked(statement: CTXStatement): Operation | undefined {
  try {
    return operationOf(statement)
  } catch (error) {
    if (error instanceof CtxUnsupportedError) return undefined
    throw error
  }
}

/** As JSON has it, without what the emitter leaves out. */
const asArguments = ({ does: _, ...members }: Operation): unknown =>
  JSON.parse(JSON.stringify(members, (_key, value) => (Array.isArray(value) && value.length === 0 ? undefined : value)))

describe("mcp-jsonrpc, on the official SDK's server", () => {
  engineContract({ target: 'mcp-jsonrpc', open: async () => new McpServer(), numRuns: 25 })

  const server = new McpServer()
  beforeEach(() => server.reset())

  it('writes each statement as one visible line', () => {
    expect(said('+m decision #arch "Use PASETO"')).toBe(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ctx_store","arguments":{"plane":"m","name":"decision","text":"Use PASETO","tags":["arch"]}}}',
    )
    expect(said('!m "\\u{2028}\\u{a}\\u{e0001}é"')).toContain('"arguments":{"plane":"m","name":"\\u2028\\n\\udb40\\udc01é"}')
  })

  it('has an output for every pair of operator and plane', () => {
    const names = everyPair.map(({ operator, plane }) => paramsOf(said(`${operator}${plane} x${operator === '~' ? ' "y"' : ''}`)).name)
    expect([...new Set(names)].sort()).toEqual(['ctx_call', 'ctx_delete', 'ctx_lookup', 'ctx_search', 'ctx_store', 'ctx_update', 'x'])
  })

  it('writes the operation, whatever the statement, as arguments that the list allows', () => {
    const meant = fc.sample(statements, 5_000).flatMap(statement => {
      const operation = asked(statement)
      return operation ? [{ statement, operation }] : []
    })
    expect(meant.length).toBeGreaterThan(100)
    for (const { statement, operation } of meant) {
      const line = said(statement)
      expect([hiddenAt(line), line]).toEqual([-1, expect.stringMatching(/^\{.*\}$/)])
      const { name, arguments: args } = paramsOf(line)
      if (!name.startsWith('ctx_')) continue
      expect({ name, args }).toEqual({ name: `ctx_${operation.does}`, args: asArguments(operation) })
      expect({ line, valid: validators.get(name)!(args) }).toEqual({ line, valid: true })
    }
  })

  it('gives when an entry was stored and changed', async () => {
    await server.run(said('+m a'))
    await server.age(100)
    await server.run(said('~m @promote a'))
    const [found] = await server.send(said('!m a'))
    const { created, changed } = (found!.structuredContent as { entries: { created: number; changed: number }[] }).entries[0]!
    expect(changed - created).toBe(100)
  })

  describe('a call of a tool', () => {
    it('is a call of that tool, the fields its arguments', () => {
      expect(paramsOf(said('>t github.issues.create title="Fix SSE heartbeat" labels="bug,p1"'))).toEqual({
        name: 'github.issues.create',
        arguments: { title: 'Fix SSE heartbeat', labels: 'bug,p1' },
      })
      expect(paramsOf(said('>t github.search'))).toEqual({ name: 'github.search' })
    })

    it('says beside the arguments what they cannot', () => {
      expect(paramsOf(said('>t x #a #b *site &json "now"'))).toEqual({
        name: 'x',
        arguments: { text: 'now' },
        _meta: {
          'outrigger.ctx/payload': 'text',
          'outrigger.ctx/tags': ['a', 'b'],
          'outrigger.ctx/project': 'site',
          'outrigger.ctx/format': 'json',
        },
      })
      expect(paramsOf(said('>t x text="now"'))).toEqual({ name: 'x', arguments: { text: 'now' } })
    })

    it.each(['>t #a', '>t "" "text"', '>s deploy', '>l "claude"', '^a review'])('is noted where no tool is named: %s', ctx => {
      expect(paramsOf(said(ctx)).name).toBe('ctx_call')
    })

    it('never calls a tool of the list', async () => {
      await server.run(said('+m kept'))
      const call = said('>t ctx_delete plane="m" name="kept"')
      expect(paramsOf(call)).toMatchObject({ name: 'ctx_call', arguments: { name: 'ctx_delete' } })
      await server.run(call)
      expect(await server.content()).toMatchObject({ entries: [{ name: 'kept' }], calls: [{ name: 'ctx_delete' }] })
    })

    it('takes any text as name, argument, tag, project, format', async () => {
      await fc.assert(
        fc.asyncProperty(toolStory, async story => {
          await server.reset()
          await tell(server, 'mcp-jsonrpc', story.map(serialize))
        }),
        { numRuns: 25 },
      )
    })
  })

  describe('a batch', () => {
    it('is a request a line, numbered from 1', () => {
      const lines = batch('+m "a\\u{a}b"', '?m', '>t x').split('\n')
      expect(lines.map(line => JSON.parse(line).id)).toEqual([1, 2, 3])
      expect(batch()).toBe('')
    })

    it('is refused whole before anything is written where one statement means nothing', () => {
      expect(() => batch('+m a', '-m')).toThrow(CtxUnsupportedError)
    })

    it('is not all or nothing: a request that fails stops what comes after it, and no more', async () => {
      const [first, second, third] = batch('+m a', '+m b', '+m c').split('\n')
      const broken = second!.replace('"plane":"m"', '"plane":"x"')
      await expect(server.runBatch([first, broken, third].join('\n'))).rejects.toThrow('plane')
      expect((await server.content()).entries.map(({ name }) => name)).toEqual(['a'])
    })
  })

  describe('the tool list', () => {
    const refused: readonly (readonly [string, object])[] = [
      ['ctx_store', { plane: 'm', name: 'a', more: 1 }],
      ['ctx_store', { plane: 'l' }],
      ['ctx_store', { plane: 'm', text: 'a', fields: { b: 'c' } }],
      ['ctx_store', { plane: 'm', fields: { 'a b': 'c' } }],
      ['ctx_relate', { plane: 'm', from: 'a', relation: 'b' }],
      ['ctx_search', { plane: 'm', ranking: { by: 'similar' } }],
      ['ctx_search', { plane: 'm', since: [{ ago: 1, at: 1 }] }],
      ['ctx_traverse', { plane: 'm', from: 'a', depth: 17 }],
      ['ctx_update', { plane: 'm', text: 'a' }],
      ['ctx_update', { plane: 'm', name: 'a', project: 'b' }],
      ['ctx_update', { plane: 'm', name: 'a', text: 'b', fields: { c: 'd' } }],
      ['ctx_promote', { plane: 'm' }],
      ['ctx_delete', { plane: 'm' }],
      ['ctx_delete', { plane: 'm', tags: [] }],
      ['ctx_forget', { plane: 'm' }],
    ]

    it.each(refused)('%s refuses %j', async (name, args) => {
      const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } })
      await expect(server.run(call)).rejects.toThrow()
      expect(await server.content()).toEqual({ entries: [], edges: [], calls: [] })
    })

    it("is read by the SDK's own client, which finds that each result has the promised form", async () => {
      const rows = new Rows()
      const [mine, others] = InMemoryTransport.createLinkedPair()
      const client = new Client({ name: 'test', version: '1.0.0' })
      await mcpServer(() => rows).connect(others)
      await client.connect(mine)
      const { tools } = await client.listTools()
      expect(tools).toEqual(toolList.tools)
      const used = new Set<string>()
      for (const ctx of knownStory) {
        const params = paramsOf(said(ctx))
        used.add(params.name)
        const { structuredContent } = await client.callTool(params as Parameters<Client['callTool']>[0])
        if (params.name.startsWith('ctx_')) expect(Object.keys(structuredContent as object)).toHaveLength(1)
      }
      expect(tools.filter(({ name }) => !used.has(name))).toEqual([])
      await client.close()
    })

    it('says which tools only read, and which take something away', () => {
      const named = (test: (hints: Readonly<Record<string, unknown>>) => boolean): string[] =>
        toolList.tools.filter(({ annotations }) => test({ ...annotations })).map(({ name }) => name)
      expect(named(({ readOnlyHint }) => readOnlyHint === true)).toEqual(['ctx_search', 'ctx_traverse', 'ctx_lookup'])
      expect(named(({ destructiveHint }) => destructiveHint === true)).toEqual(['ctx_update', 'ctx_delete'])
    })
  })
})
