import type { CTXStatement } from '../language/ast.js'
import { CTXParser } from '../language/parser.js'
import { EmitterRegistry } from './registry.js'
import { serialize } from '../language/serializer.js'

/** A statement in another language. */
export interface Translation {
  readonly target: string
  readonly output: string
  /** The statement in its canonical form: what was translated. */
  readonly ctx: string
}

/** Several statements in another language, as one text. */
export interface BatchTranslation {
  readonly target: string
  readonly output: string
  readonly ctx: readonly string[]
}

/**
 * Compiles statements into other languages: the same input gives the same output, always. What is translated is the canonical form, so that
 * whoever has `ctx` can do it again and compare.
 */
export class Translator {
  readonly #registry: EmitterRegistry
  readonly #parser: CTXParser = new CTXParser()

  /** Without a registry, the targets that are built in. */
  constructor(registry: EmitterRegistry = new EmitterRegistry()) {
    if (!(registry instanceof EmitterRegistry)) throw new TypeError('Translator: takes an EmitterRegistry, or nothing')
    this.#registry = registry
  }

  /**
   * @throws CtxParseError where the text is no statement, or the AST none that can be written
   * @throws RangeError where nobody has registered the target
   */
  translate(statement: CTXStatement | string, target: string): Translation {
    const emitter = this.#registry.get(target)
    const { ast, ctx } = this.#canonical(statement)
    return { target, output: emitter.emit(ast), ctx }
  }

  /** Several at once. @throws as `translate` does, before anything is emitted */
  translateBatch(statements: readonly (CTXStatement | string)[], target: string): BatchTranslation {
    const emitter = this.#registry.get(target)
    const read = statements.map(statement => this.#canonical(statement))
    const asts = read.map(({ ast }) => ast)
    const output = emitter.emitBatch ? emitter.emitBatch(asts) : asts.map(ast => emitter.emit(ast)).join('\n')
    return { target, output, ctx: read.map(({ ctx }) => ctx) }
  }

  /** What the output of a target runs against. @throws RangeError where nobody has registered the target, or it needs nothing */
  schema(target: string): string {
    const { schema } = this.#registry.get(target)
    if (!schema) throw new RangeError(`the target "${target}" has no schema: its output runs against nothing`)
    return schema()
  }

  #canonical(statement: CTXStatement | string): { ast: CTXStatement; ctx: string } {
    if (typeof statement === 'string') {
      const ast = this.#parser.parse(statement)
      return { ast, ctx: serialize(ast) }
    }
    const ctx = serialize(statement)
    return { ast: this.#parser.parse(ctx), ctx }
  }
}
