import type { ErrorObject } from 'ajv'
import type { WithBudgetOptions, WithRetryOptions, WithSigningOptions } from 'outrigger/middleware'
import { type Config, configSchema, type StackConfig } from './config-schema.js'
import { nearest } from './nearest.js'

/** One thing that is wrong in a configuration. */
export interface ConfigProblem {
  /** JSON pointer of the value or of the unknown key: `/budget/usd`. */
  readonly pointer: string
  /** What is wrong and what to write. Never holds a value of the `claude` section: headers may carry keys. */
  readonly message: string
}

type Facts = ErrorObject & { readonly parentSchema?: { readonly description?: string; readonly properties?: object } }

const keyOf = (pointer: string): string => pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~')

/** A secret in the wrong place, and a stack in the wrong file. */
function secretFix(section: string, key: string): string | undefined {
  if (section === '/claude' && /key|token|secret/i.test(key)) return 'keys do not belong in a file: set ANTHROPIC_API_KEY'
  if (/^\/(agents\/\d+|server)$/.test(section) && /(token|secret|password)$/i.test(key))
    return `a token does not belong in a configuration: name a file that holds it, by "${section === '/server' ? 'adminTokenFile' : 'tokenFile'}"`
  if (key === 'use') return 'it is a function, which only a module can hold: outrigger.config.mjs'
  return undefined
}

function unknownKey({ instancePath, params, parentSchema }: Facts): ConfigProblem {
  const key = String(params.additionalProperty)
  const known = Object.keys(parentSchema?.properties ?? {})
  const meant = nearest(key, known)
  const fix = secretFix(instancePath, key) ?? (meant ? `did you mean "${meant}"?` : `remove it, or use one of ${known.join(', ')}`)
  const pointer = `${instancePath}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
  return { pointer, message: `unknown key "${keyOf(pointer)}"; ${fix}` }
}

const shown = ({ instancePath, data }: Facts): string => {
  if (/^\/(claude|ledger)(\/|$)/.test(instancePath)) return 'this value'
  if (isRecord(data)) return 'an object'
  return (typeof data === 'number' ? String(data) : (JSON.stringify(data) ?? String(data))).slice(0, 60)
}

function wrongValue(error: Facts): ConfigProblem {
  const subject = error.instancePath === '' ? 'the configuration' : `"${keyOf(error.instancePath)}"`
  return {
    pointer: error.instancePath,
    message: `${subject} must be ${error.parentSchema?.description ?? error.message}, not ${shown(error)}`,
  }
}

/** A section, and the layer that says what is wrong with it. */
type Judge = (layers: typeof import('outrigger/middleware'), section: never) => unknown
const judges: Readonly<Record<string, Judge>> = {
  budget: ({ withBudget }, budget: WithBudgetOptions) => withBudget(budget),
  retry: ({ withRetry }, retry: WithRetryOptions) => withRetry(retry),
  signing: ({ withSigning }, signing: WithSigningOptions | false) => signing && withSigning(signing),
}

/** What the layers themselves say of their sections: a budget without a cap, an amount that is no safe integer. */
async function refusedByLayers(config: Config): Promise<readonly ConfigProblem[]> {
  const layers = await import('outrigger/middleware')
  const stacks: readonly (readonly [string, StackConfig])[] = [
    ['', config],
    ...(config.agents ?? []).map((agent, at) => [`/agents/${at}`, agent] as const),
  ]
  return stacks.flatMap(([path, stack]) =>
    Object.entries(judges).flatMap(([name, judge]) => {
      const section = stack[name as keyof StackConfig]
      return section === undefined ? [] : refusal(`${path}/${name}`, () => judge(layers, section as never))
    }),
  )
}

function refusal(pointer: string, make: () => unknown): readonly ConfigProblem[] {
  try {
    make()
    return []
  } catch (error) {
    return [{ pointer, message: (error as Error).message }]
  }
}

/** What no section says by itself. */
function contradictions({ agents = [], ledger, account, agent }: Config): readonly ConfigProblem[] {
  const names = agents.map(({ name }) => name)
  const twice = agents.flatMap(({ name }, at) =>
    names.indexOf(name) === at
      ? []
      : [{ pointer: `/agents/${at}/name`, message: `"agents.${at}.name" is "${name}" as that of another agent; a name is of one agent` }],
  )
  const nobody = ledger !== undefined && agents.length === 0 && account === undefined && agent?.name === undefined
  return nobody ? [...twice, { pointer: '/ledger', message: '"ledger" needs an account: say "account", or "agent.name"' }] : twice
}

/** A function that makes a stack is no JSON: it is looked at by itself. */
function withoutUse(value: unknown): unknown {
  if (!isRecord(value)) return value
  const { agents } = value
  const plain = typeof value.use === 'function' ? Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'use')) : value
  return Array.isArray(agents) ? { ...plain, agents: agents.map(withoutUse) } : plain
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is wrong with a configuration; empty when nothing is. Loads ajv on first use. */
export async function checkConfig(value: unknown): Promise<readonly ConfigProblem[]> {
  const { Ajv } = await import('ajv')
  const validate = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, strictTypes: false }).compile(configSchema)
  if (validate(withoutUse(value))) return [...contradictions(value as Config), ...(await refusedByLayers(value as Config))]
  const problems = (validate.errors as Facts[]).map(problemOf)
  return problems.filter(({ pointer }, index) => problems.findIndex(other => other.pointer === pointer) === index)
}

function problemOf(error: Facts): ConfigProblem {
  if (error.keyword === 'additionalProperties') return unknownKey(error)
  if (error.keyword !== 'required') return wrongValue(error)
  return { pointer: error.instancePath, message: `"${keyOf(error.instancePath)}" needs "${error.params.missingProperty}"; give it one` }
}
