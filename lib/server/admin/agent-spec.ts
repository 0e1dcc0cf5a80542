/** What `POST /v1/agents` takes: an agent that is to be served. */
export interface AgentSpec {
  /** Unique on the server: letters, digits, `_`, `-` and `.`, at most 64. */
  readonly name: string
  /** A word for the kind of agent. Default `outside`. */
  readonly type?: string
  /** What its client will send, from 24 characters. Default: a random one, which the answer says once. */
  readonly token?: string
  /** The name of a preset: `claude-code` for `outrigger-preset-claude-code`. */
  readonly preset?: string
  /** What it may spend. */
  readonly budget?: {
    readonly usd?: number | string
    readonly tokens?: number | 'unlimited'
    readonly mode?: 'hard' | 'soft' | 'warn'
    readonly whenShort?: 'reject' | 'clamp'
  }
  /** A file of rules, from the folder in which the companion was started. */
  readonly rules?: string
  /** The account in the ledger. Default: its name. */
  readonly account?: string
}

type Schema = Readonly<Record<string, unknown>>

/** What a name must look like: it names files too. */
export const agentName = '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'

const nameText = 'up to 64 letters, digits, "_", "-" and ".", beginning with a letter or a digit'
const name = (of: string): Schema => ({ type: 'string', pattern: agentName, description: `${of}: ${nameText}` })
const object = (description: string, properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({
  type: 'object',
  description,
  additionalProperties: false,
  required,
  properties,
})

/** Of {@link AgentSpec}, draft-07. `description` says what a right value looks like. */
export const agentSpecSchema: Schema = object(
  'an object like { "name": "scribe", "budget": { "usd": 2 } }',
  {
    name: name('a name'),
    type: name('a word for the kind of agent'),
    token: {
      type: 'string',
      pattern: '^[\\x21-\\x7e]{24,256}$',
      description: '24 to 256 printable ASCII characters without a space; leave it out for a random one',
    },
    preset: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,63}$', description: 'the name of a preset, like "claude-code"' },
    budget: object('an object: what may be spent', {
      usd: {
        type: ['number', 'string'],
        minimum: 0,
        pattern: '^(unlimited|\\d{1,9}(\\.\\d{1,9})?)$',
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
    rules: {
      type: 'string',
      pattern: '^(?!.*(^|/)\\.\\.(/|$))[A-Za-z0-9_.-][A-Za-z0-9_./ -]{0,255}$',
      description: 'the path of a file of rules below the folder of the companion: not absolute, without ".."',
    },
    account: {
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,127}$',
      description: 'the id of an account: up to 128 letters, digits and "_.:/@-", beginning with a letter or a digit',
    },
  },
  ['name'],
)
