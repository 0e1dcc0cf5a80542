import type { ValidateFunction } from 'ajv'
import { frozenCopy } from '../../core/freeze.js'
import { shown } from '../check-options.js'
import type { Finding } from '../types.js'

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

/** A union of types is said openly, and so is strict enough; a required member may be described beside `anyOf`. */
const strict = { strict: true, allowUnionTypes: true, strictRequired: false, logger: false } as const

async function compileAll(schemas: ReadonlyMap<string, object | boolean>): Promise<ReadonlyMap<string, Validate>> {
  const [{ Ajv }, { Ajv2020 }] = await Promise.all([import('ajv'), import('ajv/dist/2020.js')])
  const compile = (schema: object | boolean): Validate => {
    try {
      return (is2020(schema) ? new Ajv2020(strict) : new Ajv(strict)).compile(schema)
    } catch {
      return 'wrong'
    }
  }
  return new Map([...schemas].map(([tool, schema]) => [tool, compile(schema)]))
}

/** Draft 2020-12, which says so; without a word it is draft-07. */
function is2020(schema: object | boolean): boolean {
  const { $schema } = Object(schema) as { readonly $schema?: unknown }
  return typeof $schema === 'string' && $schema.includes('/2020-12/')
}

function inputFinding(validate: Validate, tool: string, input: unknown): Finding | undefined {
  if (validate === 'wrong') return { details: `the schema of tool ${shown(tool)} does not compile` }
  if (validate(input)) return
  const [error] = validate.errors ?? []
  return { details: `the input of tool ${shown(tool)} does not match its schema (${error?.keyword ?? 'unknown'})` }
}
