import type { ErrorObject, ValidateFunction } from 'ajv'
import { ConfigError } from '../../core/errors.js'
import { type AgentSpec, agentSpecSchema } from './agent-spec.js'

type Fault = ErrorObject & { readonly parentSchema?: { readonly description?: string; readonly properties?: object } }

/** Checks specs by the schema. Loads ajv on first use. */
export class SpecCheck {
  #validate: Promise<ValidateFunction> | undefined

  /** @throws ConfigError that names the field and says the fix; the value of a token is never shown */
  async check(spec: unknown): Promise<AgentSpec> {
    this.#validate ??= compiled()
    const validate = await this.#validate
    if (validate(spec)) return spec as AgentSpec
    throw new ConfigError([...new Set((validate.errors as Fault[]).map(messageOf))].join('; '))
  }
}

async function compiled(): Promise<ValidateFunction> {
  const { Ajv } = await import('ajv')
  return new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, strictTypes: false }).compile(agentSpecSchema)
}

function messageOf({ keyword, instancePath, params, parentSchema, data, message }: Fault): string {
  const field = instancePath === '' ? 'the body' : `"${instancePath.slice(1).replaceAll('/', '.')}"`
  if (keyword === 'required') return `"${params.missingProperty}" is missing; give the agent one`
  if (keyword === 'additionalProperties')
    return `unknown field ${shown(params.additionalProperty)} in ${field}; known are ${Object.keys(parentSchema?.properties ?? {}).join(', ')}`
  return `${field} must be ${parentSchema?.description ?? message}${instancePath === '/token' ? '' : `, not ${shown(data)}`}`
}

/** Objects are not shown: what stands in them may be a secret in the wrong place. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return (JSON.stringify(value) ?? String(value)).slice(0, 60)
}
