import type { RowFacts } from '../../operation.js'
import { fieldsOf, list, optional, text } from './literal.js'

/** The members of a row, in SurrealQL. */
export const rowOf = (facts: Omit<RowFacts, 'name'>): Readonly<Record<string, string | undefined>> => ({
  plane: text(facts.plane),
  verb: optional(facts.verb, text),
  text: optional(facts.text, text),
  fields: optional(facts.fields, fieldsOf),
  tags: list(facts.tags),
  project: optional(facts.project, text),
  format: optional(facts.format, text),
  created: 'time::unix()',
})

export const limit = (asked: { readonly limit?: number | undefined }): string => (asked.limit === undefined ? '' : ` LIMIT ${asked.limit}`)

/** The form that an answer is wanted in is a column of it. */
export const wanted = (format: string | undefined): string => (format === undefined ? '' : `, ${text(format)} AS wanted`)
