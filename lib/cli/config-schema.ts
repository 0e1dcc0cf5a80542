export type { AgentConfig, Config, ServerConfig, StackConfig } from './config-shape.js'

/** A JSON schema, or a part of one; `description` says what a right value looks like. */
export type ConfigSchema = Readonly<Record<string, unknown>>
type Properties = Readonly<Record<string, ConfigSchema>>

const section = (description: string, properties: Properties, more: ConfigSchema = {}): ConfigSchema => ({
  type: 'object',
  description,
  additionalProperties: false,
  properties,
  ...more,
})

const text = (description: string): ConfigSchema => ({ type: 'string', pattern: '\\S', description })
const positiveMs: ConfigSchema = { type: 'number', exclusiveMinimum: 0, description: 'milliseconds, more than 0' }
const whole = (least: number, more: ConfigSchema = {}): ConfigSchema => ({
  type: 'integer',
  minimum: least,
  description: `a whole number, ${least} or more`,
  ...more,
})
const oneOf = (...words: readonly string[]): ConfigSchema => ({
  enum: words,
  description: `one of ${words.map(word => `"${word}"`).join(', ')}`,
})
/** What an object would say, or `false`: `true` says nothing. */
const orFalse = (schema: ConfigSchema): ConfigSchema => ({ ...schema, type: ['object', 'boolean'], not: { const: true } })

const agentName = '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'
const nameText = 'up to 64 letters, digits, "_", "-" and ".", beginning with a letter or a digit'

/** What a stack is made of, in the order of the documentation. */
const ofStack: Properties = {
  preset: text('a name like "claude-code", a package, or the path of a module'),
  budget: section('an object: what may be spent', {
    usd: {
      type: ['number', 'string'],
      minimum: 0,
      pattern: '^(unlimited|\\d+(\\.\\d+)?)$',
      description: 'US dollars, 0 or more, as a number or a decimal string, or "unlimited"',
    },
    tokens: {
      type: ['integer', 'string'],
      minimum: 0,
      pattern: '^unlimited$',
      description: 'a whole number of tokens, 0 or more, or "unlimited"',
    },
    mode: oneOf('hard', 'soft', 'warn'),
    whenShort: oneOf('reject', 'clamp'),
  }),
  retry: section('an object: how failed model calls are repeated', {
    attempts: whole(1),
    deadlineMs: positiveMs,
    baseDelayMs: positiveMs,
    maxDelayMs: positiveMs,
  }),
  signing: orFalse(
    section('an object: how the record is written, or false', {
      batchMs: { type: 'number', minimum: 0, description: 'milliseconds, 0 or more' },
      checkpointEvery: whole(1),
      files: oneOf('outcomes', 'all', 'none'),
      content: oneOf('digest', 'excerpt', 'full'),
    }),
  ),
  policy: {
    type: ['string', 'boolean'],
    pattern: '\\S',
    description: 'the path of a file of rules, true for those of the project, or false',
  },
  record: text('the path of a folder'),
  account: text('the id of an account'),
  layers: {
    type: 'object',
    description: 'an object of options by the name of a layer',
    additionalProperties: orFalse({ description: 'an object of options, or false' }),
  },
}

const agent: ConfigSchema = section(
  'an object with a name',
  {
    name: { type: 'string', pattern: agentName, description: nameText },
    type: { type: 'string', pattern: agentName, description: nameText },
    tokenFile: text('the path of a file that holds the token'),
    ...ofStack,
  },
  { required: ['name'] },
)

const server: ConfigSchema = section('an object: how outrigger serve is reached', {
  host: text('an address of this machine, like "127.0.0.1"'),
  port: whole(0, { maximum: 65_535, description: 'a whole number from 0 to 65535; 0 is any free port' }),
  hosts: { type: 'array', items: text('a host, like "companion.local:8787"'), description: 'a list of hosts' },
  adminTokenFile: text('the path of a file that holds the admin token'),
  limits: section('an object of limits', {
    maxBodyBytes: whole(1),
    maxHeaderBytes: whole(1),
    maxOpenRequests: whole(1),
    headersTimeoutMs: whole(1),
    requestTimeoutMs: whole(1),
    keepAliveMs: whole(1),
  }),
})

/** The JSON schema of a configuration file, also for editors (`$schema`): `outrigger check --schema` prints it. */
export const configSchema: ConfigSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Outrigger configuration',
  ...section('an object of sections', {
    $schema: text('the address of this schema, for editors'),
    claude: section('an object: how to reach Claude', {
      baseURL: { type: 'string', pattern: '^https?://[^\\s]+$', description: 'an http(s) URL' },
      timeout: positiveMs,
      headers: { type: 'object', additionalProperties: { type: 'string' }, description: 'header names with string values' },
      refusedTools: oneOf('text', 'error'),
    }),
    ...ofStack,
    ledger: {
      type: 'string',
      pattern: '^(?![a-z]+://[^@]*:[^@]*@)(sqlite:|postgres(ql)?://|(?![a-z]{2,}:))\\s*\\S',
      description: 'sqlite:FILE, the path of a file, or postgres://… without a password, which PGPASSWORD says',
    },
    agent: section('an object: the agent', {
      name: text('a text that is not empty'),
      type: text('a text that is not empty'),
      model: text('a model id, not empty'),
      system: text('a text that is not empty'),
    }),
    agents: { type: 'array', items: agent, description: 'a list of agents' },
    server,
    run: section('an object: when outrigger run stops a command', { stopAfter: whole(0), graceMs: whole(0) }),
  }),
}
