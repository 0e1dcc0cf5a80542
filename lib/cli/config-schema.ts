/** What `outrigger.config.*` may hold. Amounts of money in US dollars, times in milliseconds. */
export interface Config {
  readonly claude?: { readonly baseURL?: string; readonly timeout?: number; readonly headers?: Readonly<Record<string, string>> }
  readonly budget?: {
    readonly usd?: number | string
    readonly tokens?: number | 'unlimited'
    readonly mode?: 'hard' | 'soft' | 'warn'
    readonly whenShort?: 'reject' | 'clamp'
  }
  readonly retry?: { readonly attempts?: number; readonly deadlineMs?: number; readonly baseDelayMs?: number; readonly maxDelayMs?: number }
  readonly agent?: { readonly name?: string; readonly type?: string; readonly model?: string; readonly system?: string }
}

type Schema = Readonly<Record<string, unknown>>

const section = (description: string, properties: Readonly<Record<string, Schema>>): Schema => ({
  type: 'object',
  description,
  additionalProperties: false,
  properties,
})

const text = (description: string): Schema => ({ type: 'string', minLength: 1, description })

const positiveMs = (description: string): Schema => ({ type: 'number', exclusiveMinimum: 0, description })

/** The JSON schema of a configuration file, also for editors (`$schema`). `description` says what a right value looks like. */
export const configSchema: Schema = {
  ...section('an object of sections', {
    $schema: text('the address of this schema, for editors'),
    claude: section('an object: how to reach Claude', {
      baseURL: { type: 'string', pattern: '^https?://[^\\s]+$', description: 'an http(s) URL' },
      timeout: positiveMs('milliseconds, more than 0'),
      headers: { type: 'object', additionalProperties: { type: 'string' }, description: 'header names with string values' },
    }),
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
      mode: { enum: ['hard', 'soft', 'warn'], description: 'one of "hard", "soft", "warn"' },
      whenShort: { enum: ['reject', 'clamp'], description: 'one of "reject", "clamp"' },
    }),
    retry: section('an object: how failed model calls are repeated', {
      attempts: { type: 'integer', minimum: 1, description: 'a whole number, 1 or more' },
      deadlineMs: positiveMs('milliseconds, more than 0'),
      baseDelayMs: positiveMs('milliseconds, more than 0'),
      maxDelayMs: positiveMs('milliseconds, more than 0'),
    }),
    agent: section('an object: the agent', {
      name: text('a text that is not empty'),
      type: text('a text that is not empty'),
      model: text('a model id, not empty'),
      system: text('a text that is not empty'),
    }),
  }),
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Outrigger configuration',
}
