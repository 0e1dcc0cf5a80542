import type { ValidateFunction } from 'ajv'
import { frozenCopy } from '../core/freeze.js'
import { shown } from './check-options.js'
import type { Finding } from './types.js'

/** What is wrong with a tool's input. A promise for the first input only, while ajv is loaded. */
export type SchemaCheck = (tool: string, input: unknown) => Finding | undefined | Promise<Finding | undefined>

type Validate = ValidateFunction | 'wrong'

/** Compiles each schema once, when the first input is to be checked. A schema that does not compile refuses every input of its tool. */
export function schemaCheck(given: Readonly<Record<string, object | boolean>>): SchemaCheck {
  const schemas = new Map(Object.entries(frozenCopy(given)))
  let loading: Promise<ReadonlyMap<string, Validate>> | undefined
  let validators: ReadonlyMap<string, Validate> | undefined
  const load = async () => {
    loading ??= compileAll(schemas)
    validators = await loading
    return validators
  }
  return (tool, input) => {
    if (!schemas.has(tool)) return
    return validators ? inputFinding(validators.get(tool)!, tool, input) : load().then(all => inputFinding(all.get(tool)!, tool, input))
  }
}

async function compileAll(schemas: ReadonlyMap<string, object | boolean>): Promise<ReadonlyMap<string, Validate>> {
  const { Ajv } = await import('ajv')
  const compile = (schema: object | boolean): Validate => {
    try {
      return new Ajv({ strictTypes: false, strictTuples: false, logger: false }).compile(schema)
    } catch {
      return 'wrong'
    }
  }
  return new Map([...schemas].map(([tool, schema]) => [tool, compile(schema)]))
}

function inputFinding(validate: Validate, tool: string, input: unknown): Finding | undefined {
  if (validate === 'wrong') return { details: `the schema of tool ${shown(tool)} does not compile` }
  if (validate(input)) return
  const [error] = validate.errors ?? []
  return { details: `the input of tool ${shown(tool)} does not match its schema (${error?.keyword ?? 'unknown'})` }
}
