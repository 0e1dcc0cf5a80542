import type { CTXStatement } from '../language/ast.js'
import { graphql, graphqlBatch } from './emitters/graphql.js'
import { graphqlSchema } from './emitters/graphql-schema.js'
import { human } from './emitters/human.js'
import { rest, restBatch } from './emitters/rest.js'
import { restDocument } from './emitters/rest-document.js'
import { sql, sqlBatch } from './emitters/sql.js'
import { sqlSchema } from './emitters/sql-schema.js'
import { surrealql, surrealqlBatch } from './emitters/surrealql.js'
import { surrealqlSchema } from './emitters/surrealql/schema.js'
import { mcpJsonrpc, mcpJsonrpcBatch } from './emitters/mcp-jsonrpc.js'
import { mcpToolList } from './emitters/mcp-tools.js'

/** Writes statements in another language: a pure function of the AST, without a clock, a network or chance. */
export interface Emitter {
  /** The name of its target: `human`. */
  readonly id: string
  emit(statement: CTXStatement): string
  /** Several statements as one text. Default: the texts of `emit`, a line each. */
  emitBatch?(statements: readonly CTXStatement[]): string
  /** What the output runs against: table definitions, an API description. Default: the target has none. */
  schema?(): string
}

const idPattern = /^[a-z][a-z0-9-]*$/

/** The emitters that a translator can choose from. `human` is there from the start; users register more. */
export class EmitterRegistry {
  readonly #emitters = new Map<string, Emitter>()

  constructor() {
    this.register('human', { emit: human })
    this.register('sql', { emit: sql, emitBatch: sqlBatch, schema: () => sqlSchema })
    this.register('surrealql', { emit: surrealql, emitBatch: surrealqlBatch, schema: () => surrealqlSchema })
    this.register('rest', { emit: rest, emitBatch: restBatch, schema: () => restDocument })
    this.register('graphql', { emit: graphql, emitBatch: graphqlBatch, schema: () => graphqlSchema })
    this.register('mcp-jsonrpc', { emit: mcpJsonrpc, emitBatch: mcpJsonrpcBatch, schema: () => mcpToolList })
  }

  /**
   * Adds a target.
   * @throws TypeError for a name that is taken or is not lower-case letters, digits and `-`, or for no `emit` function
   */
  register(id: string, { emit, emitBatch, schema }: Omit<Emitter, 'id'>): this {
    if (typeof id !== 'string' || !idPattern.test(id))
      throw new TypeError(`register: the target ${JSON.stringify(id)} needs a name of lower-case letters, digits and -`)
    if (this.#emitters.has(id)) throw new TypeError(`register: the target "${id}" is taken; choose another name`)
    if (typeof emit !== 'function') throw new TypeError(`register: the target "${id}" needs a function emit(statement)`)
    if (emitBatch !== undefined && typeof emitBatch !== 'function')
      throw new TypeError(`register: emitBatch of the target "${id}" is no function; leave it out`)
    if (schema !== undefined && typeof schema !== 'function')
      throw new TypeError(`register: schema of the target "${id}" is no function; leave it out`)
    this.#emitters.set(id, { id, emit, ...(emitBatch && { emitBatch }), ...(schema && { schema }) })
    return this
  }

  /** The names of all targets, in the order they were registered. */
  get targets(): readonly string[] {
    return [...this.#emitters.keys()]
  }

  /** @throws RangeError where nobody has registered the target; the message lists those that are there */
  get(id: string): Emitter {
    const emitter = this.#emitters.get(id)
    if (!emitter) throw new RangeError(`there is no target ${JSON.stringify(id)}; there are: ${this.targets.join(', ')}`)
    return emitter
  }
}
