import type { CTXOperator, CTXPlane, CTXVerb } from '../language/grammar.js'

/** From when on: so many seconds before now, or a moment in Unix seconds. An engine has a clock; the compiler has none. */
export type Since = { readonly ago: number } | { readonly at: number }

/** What a row says, whatever table it stands in. Texts are NFC and hold no U+0000. */
export interface RowFacts {
  readonly plane: CTXPlane
  readonly verb?: CTXVerb | undefined
  /** The target. */
  readonly name?: string | undefined
  /** The payload, where it is a text; else `fields`. */
  readonly text?: string | undefined
  readonly fields?: Readonly<Record<string, string>> | undefined
  /** In the order of the statement. */
  readonly tags: readonly string[]
  readonly project?: string | undefined
  readonly format?: string | undefined
}

/** Which entries are meant: all that it names must hold. */
export interface Narrowing {
  readonly plane: CTXPlane
  /** The whole name. */
  readonly name?: string | undefined
  /** Every one of them. */
  readonly tags: readonly string[]
  /** Every one of them; compared with when the entry was stored, for `changes` with when it was changed last. */
  readonly since: readonly Since[]
  readonly project?: string | undefined
}

/** `+`: a new entry. */
export interface StoreOperation extends RowFacts {
  readonly does: 'store'
}

/** `+ @relate from->relation->to`: a new edge. */
export interface RelateOperation extends Omit<RowFacts, 'name'> {
  readonly does: 'relate'
  readonly from: string
  readonly relation: string
  readonly to: string
}

/** `>` and `^`: something that is to be done by somebody else. */
export interface CallOperation extends RowFacts {
  readonly does: 'call'
  readonly operator: Extract<CTXOperator, '>' | '^'>
}

/** How found entries are chosen and ordered. Without it: those whose name or text holds the query, newest first. */
export type Ranking =
  /** Those that hold a word of the query; most words first. */
  | { readonly by: 'similar'; readonly words: readonly string[] }
  /** Last changed first. */
  | { readonly by: 'changes' }
  /** Those with a field `source` alone. */
  | { readonly by: 'grounded' }
  /** Strongest first: `weight × 30 d / (30 d + time since the last change)`. `threshold` is in millionths: the least strength. */
  | { readonly by: 'decay'; readonly threshold?: number | undefined }

/** `?`: entries. */
export interface SearchOperation extends Omit<Narrowing, 'name'> {
  readonly does: 'search'
  readonly verb?: CTXVerb | undefined
  /** A part of the name or of the text, as it is written. Absent where it is empty, and for `similar`. */
  readonly query?: string | undefined
  readonly ranking?: Ranking | undefined
  readonly limit?: number | undefined
  /** In which form the answer is wanted. */
  readonly format?: string | undefined
}

/** `? @traverse from ^depth=n`: what can be reached over edges, each with the fewest steps, nearest first; not `from` itself. */
export interface TraverseOperation {
  readonly does: 'traverse'
  readonly plane: CTXPlane
  readonly from: string
  /** The most steps: 0 to 16. Default 1. */
  readonly depth: number
  readonly limit?: number | undefined
  readonly format?: string | undefined
}

/** `!`: the entries of one name, newest first. */
export interface LookupOperation extends Narrowing {
  readonly does: 'lookup'
  readonly name: string
  readonly limit?: number | undefined
  readonly format?: string | undefined
}

/** `~`: another text or other fields, instead of either, for all entries that are meant. */
export interface UpdateOperation extends Narrowing {
  readonly does: 'update'
  readonly text?: string | undefined
  readonly fields?: Readonly<Record<string, string>> | undefined
}

/** `~ @promote`: one more weight for all entries that are meant. It counts as a change. */
export interface PromoteOperation extends Narrowing {
  readonly does: 'promote'
}

/** `-`: all entries that are meant. Edges stay. */
export interface DeleteOperation extends Narrowing {
  readonly does: 'delete'
}

/** What a statement asks of whoever keeps the rows. Every target but the sentence is made from it, so that all mean the same. */
export type Operation =
  | StoreOperation
  | RelateOperation
  | CallOperation
  | SearchOperation
  | TraverseOperation
  | LookupOperation
  | UpdateOperation
  | PromoteOperation
  | DeleteOperation
