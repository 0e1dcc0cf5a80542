import type { CTXDecoratorName, CTXOperator, CTXPlane, CTXVerb } from './grammar.js'

/** One CTX statement, taken apart. Strings are NFC; `raw` is the text that it was read from. */
export interface CTXStatement {
  readonly operator: CTXOperator
  readonly plane: CTXPlane
  readonly verb?: CTXVerb
  readonly decorator?: CTXDecorator
  readonly target?: string
  /** In the order of the text, which is part of what the statement says. */
  readonly filters: readonly CTXFilter[]
  readonly payload?: CTXPayload
  readonly raw: string
}

/** `@relate`: how the operator works. */
export interface CTXDecorator {
  readonly name: CTXDecoratorName
  /** No decorator takes arguments yet: the grammar has no place for them, and `serialize` refuses them. */
  readonly args?: readonly string[]
}

/** What a filter narrows by. */
export type CTXFilterType = 'tag' | 'time' | 'limit' | 'depth' | 'project' | 'format'

/** One filter: `#code`, `@7d`, `^3`, `^depth=2`, `*project`, `&json`. */
export interface CTXFilter {
  readonly type: CTXFilterType
  /** Without its sign: `7d`, `3`. */
  readonly value: string
}

/** What a statement carries: a text, or fields; never both. */
export interface CTXPayload {
  readonly text?: string
  /** In the order of the text, numeric names first, as JavaScript keeps them. */
  readonly fields?: Readonly<Record<string, string>>
  /** As it stood in the statement. */
  readonly raw: string
}
