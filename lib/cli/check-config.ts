import type { ErrorObject } from 'ajv'
import { type Config, configSchema } from './config-schema.js'
import type { WithBudgetOptions } from 'outrigger/middleware'
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

function unknownKey({ instancePath, params, parentSchema }: Facts): ConfigProblem {
  const key = String(params.additionalProperty)
  const known = Object.keys(parentSchema?.properties ?? {})
  const meant = nearest(key, known)
  const secret = instancePath === '/claude' && /key|token|secret/i.test(key)
  const fix = secret
    ? 'keys do not belong in a file: set ANTHROPIC_API_KEY'
    : meant
      ? `did you mean "${meant}"?`
      : `remove it, or use one of ${known.join(', ')}`
  const pointer = `${instancePath}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
  return { pointer, message: `unknown key "${keyOf(pointer)}"; ${fix}` }
}

const shown = ({ instancePath, data }: Facts): string => {
  if (instancePath.startsWith('/claude')) return 'this value'
  return (typeof data === 'number' ? String(data) : (JSON.stringify(data) ?? String(data))).slice(0, 60)
}

function wrongValue(error: Facts): ConfigProblem {
  const subject = error.instancePath === '' ? 'the configuration' : `"${keyOf(error.instancePath)}"`
  return {
    pointer: error.instancePath,
    message: `${subject} must be ${error.parentSchema?.description ?? error.message}, not ${shown(error)}`,
  }
}

/** What the layers themselves say of their sections: a budget without a cap, an amount that is no safe integer. */
async function refusedByLayers({ budget, retry }: Config): Promise<readonly ConfigProblem[]> {
  const { withBudget, withRetry } = await import('outrigger/middleware')
  const problems: ConfigProblem[] = []
  const attempt = (pointer: string, make: () => unknown): void => {
    try {
      make()
    } catch (error) {
      problems.push({ pointer, message: (error as Error).message })
    }
  }
  if (budget) attempt('/budget', () => withBudget(budget as WithBudgetOptions))
  if (retry) attempt('/retry', () => withRetry(retry))
  return problems
}

/** What is wrong with a configuration; empty when nothing is. Loads ajv on first use. */
export async function checkConfig(value: unknown): Promise<readonly ConfigProblem[]> {
  const { Ajv } = await import('ajv')
  const validate = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, strictTypes: false }).compile(configSchema)
  if (validate(value)) return refusedByLayers(value as Config)
  const problems = (validate.errors as Facts[]).map(error =>
    error.keyword === 'additionalProperties' ? unknownKey(error) : wrongValue(error),
  )
  return problems.filter(({ pointer }, index) => problems.findIndex(other => other.pointer === pointer) === index)
}
