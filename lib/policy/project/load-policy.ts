import type { ErrorObject, ValidateFunction } from 'ajv'
import { resolve } from 'node:path'
import { shown } from '../check-options.js'
import { parsePolicy, type PolicyFile, type PolicyProblem, policyJson, refused } from './parse-policy.js'
import { policySchema } from './policy-schema.js'
import { type PolicyReader, readOwned } from './policy-text.js'
import { textOf } from './project-rules.js'

/** Options of {@link loadPolicy}. */
export interface LoadPolicyOptions {
  /** Reads the file. Default: from the disk, where nobody but its owner can have written it. */
  readonly read?: PolicyReader
}

type Facts = ErrorObject & { readonly parentSchema?: { readonly description?: string; readonly properties?: object } }

/**
 * Reads a file of rules and checks it by its JSON schema, and then by what each rule says of its options: every fault at once, each with its place.
 * @throws ConfigError that names file, line and column; `facts.findings` lists all
 */
export async function loadPolicy(path: string, { read = readOwned }: LoadPolicyOptions = {}): Promise<PolicyFile> {
  const absolute = resolve(path)
  const text = textOf(absolute, read)
  const { value, placed } = policyJson(absolute, text)
  const problems = (await schemaProblems(value)).map(placed)
  if (problems.length > 0) throw refused(absolute, problems)
  return parsePolicy(absolute, text)
}

/** What is wrong with the content of a file of rules, by its schema; empty where nothing is. Loads ajv on first use. */
export async function schemaProblems(value: unknown): Promise<readonly PolicyProblem[]> {
  const validate = await compiled()
  if (validate(value)) return []
  const problems = (validate.errors as Facts[]).filter(isOwn).map(problemOf)
  return problems.filter(({ pointer }, at) => problems.findIndex(other => other.pointer === pointer) === at)
}

let compiling: Promise<ValidateFunction> | undefined

/** Once in a process. */
function compiled(): Promise<ValidateFunction> {
  compiling ??= compile()
  return compiling
}

async function compile(): Promise<ValidateFunction> {
  const { Ajv } = await import('ajv')
  return new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, strictTypes: false, strictRequired: false }).compile(policySchema)
}

/** What an alternative says of itself is said by what it is an alternative of. */
const isOwn = ({ schemaPath }: Facts): boolean => !/\/anyOf\/\d/.test(schemaPath)

function problemOf({ keyword, instancePath, params, parentSchema, data }: Facts): PolicyProblem {
  if (keyword === 'additionalProperties') {
    const key = String((params as { readonly additionalProperty?: unknown }).additionalProperty)
    const known = Object.keys(parentSchema?.properties ?? {}).join(', ')
    return {
      pointer: `${instancePath}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      message: `unknown key "${key}"; known are ${known}`,
    }
  }
  const what =
    instancePath === '' ? 'the policy' : `"${instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~')}"`
  return { pointer: instancePath, message: `${what} must be ${parentSchema?.description ?? keyword}, got ${shown(data)}` }
}
