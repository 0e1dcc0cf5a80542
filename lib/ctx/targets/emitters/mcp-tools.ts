import { pairs, verbs } from '../../language/grammar.js'

type Schema = Readonly<Record<string, unknown>>
type Members = Readonly<Record<string, Schema>>

const text = (description: string, more: Schema = {}): Schema => ({ type: 'string', description, ...more })

const plane = (allowed: string): Members => ({
  plane: text('k knowledge, t tools, s skills, m memory, a agents, i inspection, l the language model', { enum: [...allowed] }),
})
const verb: Members = { verb: text('What a new entry or a model call is for', { enum: verbs }) }
const tags = (description: string, more: Schema = {}): Members => ({
  tags: { type: 'array', description, items: { type: 'string' }, ...more },
})

const payload: Members = {
  text: text('The payload as a text; without `fields`'),
  fields: {
    type: 'object',
    description: 'The payload as fields; without `text`',
    propertyNames: { pattern: '^\\w+$' },
    additionalProperties: { type: 'string' },
    minProperties: 1,
  },
}
const facts: Members = { ...payload, ...tags('In this order'), project: text('Where it belongs'), format: text('In which form it is') }

const seconds = (name: string, description: string): Schema => object({ [name]: { type: 'integer', description } }, [name])
const narrowing: Members = {
  ...tags('Every one of them', { minItems: 1 }),
  since: {
    type: 'array',
    description: 'Every one of them',
    minItems: 1,
    items: { oneOf: [seconds('ago', 'Seconds before now'), seconds('at', 'A moment in Unix seconds')] },
  },
  project: text('Only those that belong there'),
}
const named: Members = { name: text('The whole name') }
const answer: Members = {
  limit: { type: 'integer', minimum: 0, description: 'The most rows' },
  format: text('In which form the answer is wanted'),
}

const by = (name: string): Members => ({ by: { const: name } })
const ranking: Schema = {
  description:
    'similar: those that hold a word, most words first. changes: last changed first; times are about the last change. grounded: those with a field `source` alone. decay: strongest first, weight × 30 d ÷ (30 d + time since the last change), from `threshold` on, in millionths',
  oneOf: [
    object({ ...by('similar'), words: { type: 'array', items: { type: 'string' }, minItems: 1 } }, ['by', 'words']),
    object(by('changes'), ['by']),
    object(by('grounded'), ['by']),
    object({ ...by('decay'), threshold: { type: 'integer', minimum: 0 } }, ['by']),
  ],
}

function object(properties: Members, required: readonly string[], more: Schema = {}): Schema {
  return { type: 'object', properties, required, additionalProperties: false, ...more }
}

const isText: Schema = { required: ['text'] }
const noFields: Schema = { properties: { fields: false } }
const onePayloadAtMost: Schema = { dependentSchemas: { text: noFields } }
const onePayload: Schema = { ...onePayloadAtMost, if: isText, else: { required: ['fields'] } }

const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] })
const aText: Schema = { type: 'string' }
const entry: Schema = object(
  {
    plane: aText,
    verb: orNull(aText),
    name: orNull(aText),
    text: orNull(aText),
    fields: orNull({ type: 'object', additionalProperties: aText }),
    tags: { type: 'array', items: aText },
    project: orNull(aText),
    format: orNull(aText),
    weight: { type: 'integer' },
    created: { type: 'integer', description: 'Unix seconds' },
    changed: { type: 'integer', description: 'Unix seconds' },
  },
  ['plane', 'verb', 'name', 'text', 'fields', 'tags', 'project', 'format', 'weight', 'created', 'changed'],
)
const listOf = (name: string, items: Schema): Schema => object({ [name]: { type: 'array', items } }, [name])
const entries: Schema = listOf('entries', entry)
const reached: Schema = listOf('reached', object({ name: aText, step: { type: 'integer' } }, ['name', 'step']))
const changed: Schema = object({ changed: { type: 'integer', description: 'How many were made, changed or deleted' } }, ['changed'])

const reads: Schema = { readOnlyHint: true, openWorldHint: false }
const adds: Schema = { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false }
const replaces: Schema = { ...adds, destructiveHint: true, idempotentHint: true }

/** One tool of the list: what `tools/list` of a server says. */
interface Tool {
  readonly name: string
  readonly description: string
  /** JSON Schema (2020-12) of the arguments. */
  readonly inputSchema: Schema
  /** JSON Schema of the structured content of a result. */
  readonly outputSchema: Schema
  readonly annotations: Schema
}

const tools: readonly Tool[] = [
  {
    name: 'ctx_store',
    description: 'Stores a new entry. Nothing is overwritten.',
    inputSchema: object({ ...plane(pairs['+']), ...verb, name: text('The name'), ...facts }, ['plane'], onePayloadAtMost),
    outputSchema: changed,
    annotations: adds,
  },
  {
    name: 'ctx_relate',
    description: 'Stores a new edge between two names.',
    inputSchema: object(
      { ...plane(pairs['+']), ...verb, from: text('Where it begins'), relation: text('What it is'), to: text('Where it ends'), ...facts },
      ['plane', 'from', 'relation', 'to'],
      onePayloadAtMost,
    ),
    outputSchema: changed,
    annotations: adds,
  },
  {
    name: 'ctx_call',
    description: 'Notes something that a tool, a skill or a model (>) or an agent (^) is to do.',
    inputSchema: object(
      { operator: { enum: ['>', '^'] }, ...plane(pairs['>'] + pairs['^']), ...verb, name: text('Who is to do it'), ...facts },
      ['operator', 'plane'],
      onePayloadAtMost,
    ),
    outputSchema: changed,
    annotations: { ...adds, openWorldHint: true },
  },
  {
    name: 'ctx_search',
    description: 'Finds entries: all that is given must hold. Newest first.',
    inputSchema: object(
      {
        ...plane(pairs['?']),
        ...verb,
        query: text('A part of the name or of the text, as it is written'),
        ...narrowing,
        ranking,
        ...answer,
      },
      ['plane'],
    ),
    outputSchema: entries,
    annotations: reads,
  },
  {
    name: 'ctx_traverse',
    description: 'Finds the names that can be reached over edges, each with the fewest steps, nearest first; not `from` itself.',
    inputSchema: object(
      { ...plane(pairs['?']), from: text('Where it begins'), depth: { type: 'integer', minimum: 0, maximum: 16 }, ...answer },
      ['plane', 'from', 'depth'],
    ),
    outputSchema: reached,
    annotations: reads,
  },
  {
    name: 'ctx_lookup',
    description: 'Gives the entries of a name, newest first.',
    inputSchema: object({ ...plane(pairs['!']), ...named, ...narrowing, ...answer }, ['plane', 'name']),
    outputSchema: entries,
    annotations: reads,
  },
  {
    name: 'ctx_update',
    description: 'Gives all entries that are meant another text, or other fields, instead of either. More than the plane must be given.',
    inputSchema: object({ ...plane(pairs['~']), ...named, ...narrowing, ...payload }, ['plane'], { ...onePayload, minProperties: 3 }),
    outputSchema: changed,
    annotations: replaces,
  },
  {
    name: 'ctx_promote',
    description: 'Gives all entries that are meant one more weight. More than the plane must be given.',
    inputSchema: object({ ...plane(pairs['~']), ...named, ...narrowing }, ['plane'], { minProperties: 2 }),
    outputSchema: changed,
    annotations: adds,
  },
  {
    name: 'ctx_delete',
    description: 'Deletes all entries that are meant; edges stay. More than the plane must be given.',
    inputSchema: object({ ...plane(pairs['-']), ...named, ...narrowing }, ['plane'], { minProperties: 2 }),
    outputSchema: changed,
    annotations: replaces,
  },
]

/**
 * What `tools/list` says of a server that keeps what statements are about: entries, edges between names, and calls that wait for somebody. JSON
 * Schema (2020-12) of the arguments and of the structured content of each tool's result.
 */
export const mcpToolList: string = JSON.stringify({ tools }, null, 2)
