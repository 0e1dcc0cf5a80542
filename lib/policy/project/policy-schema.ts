import { kinds } from '../../core/types.js'
import { limitNames } from '../network/fetch-limits.js'
import { responses, severities } from '../types.js'

/** A JSON schema, or a part of one. */
export type Schema = Readonly<Record<string, unknown>>

const text = (description: string): Schema => ({ type: 'string', pattern: '\\S', description })
const texts = (description: string): Schema => ({ type: 'array', items: text('a text that is not empty'), description })
const yes: Schema = { type: 'boolean', description: 'true or false' }
const count = (least: number): Schema => ({
  type: 'integer',
  minimum: least,
  maximum: Number.MAX_SAFE_INTEGER,
  description: `a whole number from ${least}`,
})
const oneOf = (words: readonly string[]): Schema => ({ enum: words, description: `one of ${words.join(', ')}` })
const byTool = (value: Schema, description: string): Schema => ({ type: 'object', additionalProperties: value, description })
const some = (words: readonly string[]): Schema => ({
  type: 'array',
  minItems: 1,
  items: oneOf(words),
  description: `a list of ${words.join(', ')}`,
})

/** What every rule takes. */
const shared: Readonly<Record<string, Schema>> = {
  id: { type: 'string', pattern: '^\\S(.*\\S)?$', description: 'a text without a space at its ends' },
  response: oneOf(responses),
  severity: oneOf(severities),
  shadow: yes,
  onResult: oneOf(['withhold', 'release']),
}

const record = (description: string, properties: Readonly<Record<string, Schema>>, more: object = {}): Schema => ({
  type: 'object',
  description,
  additionalProperties: false,
  properties,
  ...more,
})

const ofRule = (properties: Readonly<Record<string, Schema>>, more: object = {}): Schema =>
  record('an object of options', { ...properties, ...shared }, more)

const namedTools: Schema = {
  anyOf: [texts('a list of names'), byTool(text('the name of a field'), 'names, each with a field')],
  description: 'a list of names, or an object of names with their fields',
}
const names = record('an object of shell, fetch, read, write', {
  shell: namedTools,
  fetch: namedTools,
  read: namedTools,
  write: namedTools,
})

const pattern: Schema = {
  anyOf: [
    { type: 'string', minLength: 1, description: 'a text that is not empty' },
    record(
      'an object of pattern and flags',
      { pattern: text('a regular expression'), flags: { type: 'string', pattern: '^[imsuv]*$' } },
      { required: ['pattern'] },
    ),
  ],
  description: 'a text, or { "pattern": "…", "flags": "i" }',
}

const most: Schema = {
  anyOf: [count(0), ofRule({ n: count(0) }, { required: ['n'] })],
  description: 'a whole number from 0, or an object with n',
}
const atLeastOne = (...options: readonly string[]): object => ({ anyOf: options.map(option => ({ required: [option] })) })

/** The rules that a file can hold, by name, each with what its options may be. */
export const ruleSchemas: Readonly<Record<string, Schema>> = {
  commands: ofRule(
    {
      allow: texts('a list of commands'),
      deny: texts('a list of commands'),
      redirections: yes,
      scripts: oneOf(['none', 'usual', 'any']),
      names,
    },
    { ...atLeastOne('allow', 'deny'), description: 'an object of options with allow or deny' },
  ),
  files: ofRule(
    {
      read: texts('a list of folders and files'),
      write: texts('a list of folders and files'),
      deny: texts('a list of names and paths'),
      root: text('a folder'),
      names,
    },
    { ...atLeastOne('read', 'write', 'deny'), description: 'an object of options with read, write or deny' },
  ),
  network: ofRule({
    allow: { anyOf: [texts('a list of hosts'), oneOf(['public', 'none'])], description: 'a list of hosts, or one of "public", "none"' },
    private: texts('a list of hosts, addresses or ranges'),
    names,
    ...Object.fromEntries(limitNames.map(name => [name, count(1)])),
  }),
  tools: ofRule(
    {
      allow: texts('a list of tools'),
      deny: texts('a list of tools'),
      schema: byTool({ type: ['object', 'boolean'] }, 'an object of JSON schemas by the name of a tool'),
      pin: byTool(
        {
          anyOf: [{ type: 'string', pattern: '^[0-9a-f]{64}$' }, { type: ['object', 'array'] }],
          description: 'a definition or its digest, 64 hex digits',
        },
        'an object of definitions or digests by the name of a tool',
      ),
      quota: byTool(count(0), 'an object of whole numbers by the name of a tool'),
    },
    {
      ...atLeastOne('allow', 'deny', 'schema', 'pin', 'quota'),
      description: 'an object of options with one of allow, deny, schema, pin, quota',
    },
  ),
  content: ofRule(
    {
      deny: { type: 'array', minItems: 1, items: pattern, description: 'a list of texts and patterns' },
      stages: some(['action', 'result']),
      kinds: some(kinds),
      maxChars: count(1),
    },
    { required: ['deny'], description: 'an object of options with deny' },
  ),
  maxTokens: most,
  maxChildren: most,
  selfModification: ofRule({ paths: texts('a list of files and folders'), names }),
}

/** The JSON schema of a project's file of rules, also for editors (`$schema`). `description` says what a right value looks like. */
export const policySchema: Schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Outrigger policy',
  ...record(
    'an object with rules',
    {
      $schema: text('the address of this schema, for editors'),
      rules: {
        type: 'array',
        description: 'a list of rules',
        items: record(`an object with one of ${Object.keys(ruleSchemas).join(', ')}`, ruleSchemas, { minProperties: 1, maxProperties: 1 }),
      },
    },
    { required: ['rules'] },
  ),
}
