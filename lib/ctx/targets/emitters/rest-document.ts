import { planes, verbs } from '../../language/grammar.js'

const text = { type: 'string' } as const
const whole = { type: 'integer' } as const
const count = { type: 'integer', minimum: 0 } as const
const verb = { type: 'string', enum: verbs } as const
const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` })

/** What all rows may say. */
const said = {
  verb,
  text,
  fields: { type: 'object', additionalProperties: text },
  tags: { type: 'array', items: text },
  project: text,
  format: text,
} as const

const record = (properties: object, required: readonly string[]): object => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})

const found = { ...said, plane: text, name: text, weight: whole, created: whole, changed: whole }

const schemas = {
  Entry: record({ ...said, name: text }, ['tags']),
  Edge: record({ ...said, from: text, relation: text, to: text }, ['from', 'relation', 'to', 'tags']),
  Call: record({ ...said, operator: { type: 'string', enum: ['>', '^'] }, name: text }, ['operator', 'tags']),
  Change: { ...record({ text, fields: said.fields }, []), minProperties: 1, maxProperties: 1 },
  Request: record(
    {
      method: { type: 'string', enum: ['GET', 'POST', 'PATCH', 'DELETE'] },
      path: { type: 'string', pattern: '^/v1/' },
      body: { type: 'object' },
    },
    ['method', 'path'],
  ),
  Found: record({ entries: { type: 'array', items: record(found, ['plane', 'tags', 'weight']) }, format: text }, ['entries']),
  Reached: record({ names: { type: 'array', items: record({ name: text, step: count }, ['name', 'step']) }, format: text }, ['names']),
  Answers: record(
    { answers: { type: 'array', items: record({ status: whole, body: { oneOf: [ref('Found'), ref('Reached')] } }, ['status']) } },
    ['answers'],
  ),
  Refused: record(
    { errors: { type: 'array', minItems: 1, items: { type: 'object', properties: { message: text }, required: ['message'] } } },
    ['errors'],
  ),
}

const parameter = (name: string, schema: object, description: string, more: object = {}): object => ({
  name,
  in: 'query',
  description,
  schema,
  ...more,
})
const several = (name: string, items: object, description: string): object => parameter(name, { type: 'array', items }, description)

const narrowing = [
  parameter('name', text, 'The whole name.'),
  several('tag', text, 'A tag that an entry must have; several: all of them.'),
  several('since', whole, 'Unix seconds: stored since then; with by=changes, changed.'),
  several('ago', count, 'Seconds before now: stored since then; with by=changes, changed.'),
  parameter('project', text, 'The project.'),
]
const limit = parameter('limit', count, 'The most rows.')
const format = parameter('format', text, 'The form in which the answer is wanted; it comes back with it.')

const body = (schema: object): object => ({ requestBody: { required: true, content: { 'application/json': { schema } } } })
const answer = (description: string, schema?: object): object => ({
  description,
  ...(schema && { content: { 'application/json': { schema } } }),
})
const answers = (status: number, description: string, schema?: object): object => ({
  responses: {
    [status]: answer(description, schema),
    400: answer('It is not what this document says; nothing has changed.', ref('Refused')),
  },
})

const plane = { name: 'plane', in: 'path', required: true, schema: { type: 'string', enum: [...planes] } }

const paths = {
  '/v1/{plane}/entries': {
    parameters: [plane],
    get: {
      operationId: 'find',
      parameters: [
        ...narrowing,
        parameter('verb', verb, 'The verb.'),
        parameter('q', text, 'A part of the name or of the text, as it is written.'),
        parameter(
          'by',
          { type: 'string', enum: ['similar', 'changes', 'grounded', 'decay'] },
          'How they are chosen and ordered; else newest first.',
        ),
        several('word', text, 'With by=similar: one of these is in the name or the text; most of them first.'),
        parameter('threshold', count, 'With by=decay: the least strength, in millionths.'),
        limit,
        format,
      ],
      ...answers(200, 'The entries.', ref('Found')),
    },
    post: { operationId: 'store', ...body(ref('Entry')), ...answers(201, 'It is stored.') },
    patch: { operationId: 'update', parameters: narrowing, ...body(ref('Change')), ...answers(204, 'Those that are meant are changed.') },
    delete: { operationId: 'remove', parameters: narrowing, ...answers(204, 'Those that are meant are gone.') },
  },
  '/v1/{plane}/promotions': {
    parameters: [plane],
    post: { operationId: 'promote', parameters: narrowing, ...answers(204, 'Those that are meant weigh one more.') },
  },
  '/v1/{plane}/edges': { parameters: [plane], post: { operationId: 'relate', ...body(ref('Edge')), ...answers(201, 'It is stored.') } },
  '/v1/{plane}/walks': {
    parameters: [plane],
    get: {
      operationId: 'walk',
      parameters: [
        parameter('from', text, 'The name to begin at.', { required: true }),
        parameter('depth', { ...count, maximum: 16 }, 'The most steps.', { required: true }),
        limit,
        format,
      ],
      ...answers(200, 'What can be reached, each with the fewest steps, nearest first.', ref('Reached')),
    },
  },
  '/v1/{plane}/calls': { parameters: [plane], post: { operationId: 'call', ...body(ref('Call')), ...answers(201, 'It is noted.') } },
  '/v1/batch': {
    post: {
      operationId: 'batch',
      description: 'The requests in their order: all of them take effect, or none.',
      ...body({ type: 'array', items: ref('Request') }),
      ...answers(200, 'All have taken effect: what each is answered, in their order.', ref('Answers')),
    },
  },
}

/** The OpenAPI document of the server that the output of `rest` is sent to. */
export const restDocument: string = `${JSON.stringify(
  {
    openapi: '3.1.0',
    info: { title: 'CTX', version: '1', description: 'Entries, edges and calls of CTX statements.' },
    paths,
    components: { schemas },
  },
  null,
  2,
)}\n`
