import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import {
  type CallToolRequestParams,
  type CallToolResult,
  type JsonSchemaType,
  type ListToolsResult,
  ProtocolError,
  ProtocolErrorCode,
  ReadBuffer,
  Server,
} from '@modelcontextprotocol/server'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/server/validators/ajv'
import type { Operation } from '../../../lib/ctx/targets/operation.js'
import { Translator } from '../../../lib/ctx/targets/translator.js'
import { changesOf } from './changes-of.js'
import type { Engine } from './engine.js'
import { type Answer, type Content, type Entry, Rows } from './rows.js'

/** The tool list that we ship. */
export const toolList: ListToolsResult = JSON.parse(new Translator().schema('mcp-jsonrpc'))

const ajv = new AjvJsonSchemaValidator()
const validators = new Map(toolList.tools.map(({ name, inputSchema }) => [name, ajv.getValidator<object>(inputSchema as JsonSchemaType)]))

const result = (structuredContent: Record<string, unknown>): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
  structuredContent,
})

/** The arguments as an operation; what the emitter leaves out is an empty list. */
const operationFrom = (name: string, said: object): Operation =>
  ({ tags: [], since: [], ...said, does: name.slice('ctx_'.length) }) as never

function ask(rows: Rows, name: string, said: object): CallToolResult {
  const operation = operationFrom(name, said)
  let answer: Answer | undefined
  const changed = changesOf(rows, () => {
    answer = rows.run(operation)
  })
  if (answer === undefined) return result({ changed })
  if (operation.does === 'traverse') return result({ reached: answer })
  return result({ entries: (answer as readonly Entry[]).map(entry => ({ ...entry, ...rows.momentsOf(entry) })) })
}

interface Beside {
  readonly 'outrigger.ctx/payload'?: 'text'
  readonly 'outrigger.ctx/tags'?: readonly string[]
  readonly 'outrigger.ctx/project'?: string
  readonly 'outrigger.ctx/format'?: string
}

/** A call of any other tool is noted, with what stands beside its arguments. */
function note(rows: Rows, { name, arguments: said, _meta }: CallToolRequestParams): CallToolResult {
  const beside = (_meta ?? {}) as Beside
  const payload = beside['outrigger.ctx/payload'] === 'text' ? (said as { text: string }) : { fields: said as Record<string, string> }
  rows.call({
    operator: '>',
    plane: 't',
    name,
    ...payload,
    tags: beside['outrigger.ctx/tags'] ?? [],
    project: beside['outrigger.ctx/project'],
    format: beside['outrigger.ctx/format'],
  })
  return { content: [{ type: 'text', text: 'noted' }] }
}

function called(rows: Rows, params: CallToolRequestParams): CallToolResult {
  const { name, arguments: said = {} } = params
  if (!name.startsWith('ctx_')) return note(rows, params)
  const validate = validators.get(name)
  if (!validate) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `there is no tool ${name}`)
  const { valid, errorMessage } = validate(said)
  if (!valid) return { content: [{ type: 'text', text: `${errorMessage}` }], isError: true }
  return ask(rows, name, said)
}

/** The SDK's server with the tools that we ship, on rows in memory. */
export function mcpServer(rows: () => Rows): Server {
  const server = new Server({ name: 'rows', version: '1.0.0' }, { capabilities: { tools: {} } })
  server.setRequestHandler('tools/list', () => toolList)
  server.setRequestHandler('tools/call', ({ params }) => called(rows(), params))
  return server
}

type Found = Entry & { readonly created: number; readonly changed: number }

interface Reply {
  readonly id: string | number
  readonly result?: CallToolResult
  readonly error?: { readonly message: string }
}

/** A session as a child process has it: lines in, lines out, begun by the handshake. */
class Session {
  readonly #server: Server
  readonly #input = new PassThrough()
  readonly #output = new PassThrough()
  readonly #replies = new ReadBuffer()

  constructor(server: Server) {
    this.#server = server
    this.#output.on('data', chunk => this.#replies.append(chunk))
  }

  async begin(): Promise<void> {
    await this.#server.connect(new StdioServerTransport(this.#input, this.#output))
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1.0.0' } }
    await this.send(JSON.stringify({ jsonrpc: '2.0', id: 'hello', method: 'initialize', params }))
    this.#input.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
  }

  /** Sends one line and gives what is answered. @throws Error where it is an error, of the protocol or of the tool */
  async send(line: string): Promise<CallToolResult> {
    this.#input.write(`${line}\n`)
    const { id } = JSON.parse(line) as Reply
    const reply = await this.#reply()
    if (reply.id !== id) throw new Error(`the answer to ${id} has the id ${reply.id}`)
    if (reply.error) throw new Error(reply.error.message)
    if (reply.result!.isError) throw new Error(JSON.stringify(reply.result!.content))
    return reply.result!
  }

  async #reply(): Promise<Reply> {
    for (;;) {
      const message = this.#replies.readMessage()
      if (message !== null) return message as Reply
      await once(this.#output, 'data')
    }
  }

  end(): Promise<void> {
    return this.#server.close()
  }
}

/** The official SDK's server, over its transport for standard input and output. */
export class McpServer implements Engine {
  #rows = new Rows()

  async run(output: string): Promise<Answer | undefined> {
    const [one] = await this.send(output)
    const { entries, reached } = (one?.structuredContent ?? {}) as { entries?: readonly Found[]; reached?: Answer }
    return entries?.map(({ created: _created, changed: _changed, ...entry }) => entry) ?? reached
  }

  async runBatch(output: string): Promise<void> {
    await this.send(output)
  }

  /** Sends each line when the one before it is answered, in a session of its own. @throws Error at the first that fails */
  async send(output: string): Promise<readonly CallToolResult[]> {
    const session = new Session(mcpServer(() => this.#rows))
    await session.begin()
    try {
      const results: CallToolResult[] = []
      for (const line of output.split('\n')) results.push(await session.send(line))
      return results
    } finally {
      await session.end()
    }
  }

  async content(): Promise<Content> {
    return this.#rows.content
  }

  async age(seconds: number): Promise<void> {
    this.#rows.age(seconds)
  }

  async reset(): Promise<void> {
    this.#rows = new Rows()
  }

  async close(): Promise<void> {}
}
