import type { Json, ModelAction, ToolAction } from '../../core/types.js'
import { digestOf } from '../canonical.js'
import { optionalList, plainObject, shown, wholeNumber } from '../check-options.js'
import { type DeclaredLook, firstDeclared } from './declared-tools.js'
import { defineRule, type RuleOptions } from '../define-rule.js'
import { everyServer, isToolset, mcpReach, reaches, reachFinding, serverCall } from './mcp-tools.js'
import { prototypeKey } from './prototype-keys.js'
import { type SchemaCheck, schemaCheck } from './tool-schemas.js'
import type { Checker, Finding, Rule, Subject } from '../types.js'

/** Options of `rules.tools`. At least one that says something is needed. */
export interface ToolsRuleOptions extends RuleOptions {
  /** The only tools that may be used, by exact name. Default: all. */
  readonly allow?: readonly string[]
  /** Tools that may not be used, by exact name; wins over `allow`. */
  readonly deny?: readonly string[]
  /** The JSON Schema that a tool's input must match, by name. */
  readonly schema?: Readonly<Record<string, object | boolean>>
  /** What a model request may declare in `tools`: by name, the definition itself or its `toolDigest`. Any other definition is refused. */
  readonly pin?: Readonly<Record<string, string | object>>
  /** How many calls of a tool one agent may make, by name. Refused calls are not counted. */
  readonly quota?: Readonly<Record<string, number>>
}

/** The options as they take effect. */
interface Settings {
  readonly allow: ReadonlySet<string> | undefined
  readonly deny: ReadonlySet<string>
  readonly schemas: SchemaCheck | undefined
  readonly pin: ReadonlyMap<string, string> | undefined
  readonly quota: ReadonlyMap<string, number>
}

const where = 'rules.tools'
const known = ['allow', 'deny', 'schema', 'pin', 'quota']

/**
 * Which tools may be used, with what input, how often, and as what they may be declared to the model. Tools that run at the server of the
 * API are judged when a request declares them.
 * @throws TypeError or RangeError on a wrong option
 */
export function tools(options: ToolsRuleOptions): Rule {
  const { allow, deny, schema, pin, quota } = plainObject(where, 'options', options)
  if ([allow, deny, schema, pin, quota].every(option => option === undefined))
    throw new TypeError(`${where}: give one of ${known.join(', ')}`)
  const facts = {
    allow: optionalList(where, 'allow', allow),
    deny: optionalList(where, 'deny', deny),
    schema: schema === undefined ? undefined : digests('schema', schema, isSchema),
    pin: pin === undefined ? undefined : digests('pin', pin, isPin),
    quota: quota === undefined ? undefined : quotas(quota),
  }
  const settings: Settings = {
    allow: facts.allow && new Set(facts.allow),
    deny: new Set(facts.deny),
    schemas: schema && schemaCheck(schema),
    pin: facts.pin && new Map(Object.entries(facts.pin)),
    quota: new Map(Object.entries(facts.quota ?? {})),
  }
  // What the API has called itself is seen in its answer: looked at only where calls are counted.
  const stages = settings.quota.size > 0 ? (['action', 'result'] as const) : (['action'] as const)
  return defineRule(
    { name: 'tools', stages, kinds: ['tool', 'model'], facts, known, begin: before => toolsChecker(settings, before) },
    options,
  )
}

/**
 * The digest of a tool's definition, for `pin`: SHA-256 of its canonical JSON, hex. `cache_control` does not count: it changes what a call costs,
 * not what the tool is.
 */
export function toolDigest(definition: object): string {
  const { cache_control: _, ...rest } = definition as { readonly cache_control?: unknown }
  return digestOf(rest)
}

function toolsChecker(settings: Settings, before: readonly Checker[] = []): Checker {
  const calls = mostCalls(before)
  const look = declaredLook(settings, calls)
  const check = ({ stage, action, result }: Subject): ReturnType<Checker> => {
    if (action.kind === 'model')
      return stage === 'action' ? requestFinding(settings, calls, action, look) : answerFinding(settings, calls, result)
    return stage === 'action' ? usedFinding(settings, calls, action as ToolAction) : undefined
  }
  const refused = ({ stage, action }: Subject): void => {
    const isCounted = stage === 'action' && action.kind === 'tool' && settings.quota.has(action.name)
    const made = isCounted ? (calls.get(action.name) ?? 0) : 0
    if (made > 0) calls.set((action as ToolAction).name, made - 1)
  }
  return Object.assign(check, { refused, calls })
}

/** What the strictest of earlier checkers has counted. */
function mostCalls(before: readonly Checker[]): Map<string, number> {
  const calls = new Map<string, number>()
  for (const checker of before) for (const [name, made] of checker.calls ?? []) calls.set(name, Math.max(made, calls.get(name) ?? 0))
  return calls
}

function requestFinding(
  settings: Settings,
  calls: ReadonlyMap<string, number>,
  action: ModelAction,
  look: DeclaredLook,
): Finding | undefined {
  for (const reach of mcpReach(action)) {
    const found = reachFinding(settings, reach)
    if (found) return found
    for (const [name, most] of settings.quota) if (reaches(reach, name) && (calls.get(name) ?? 0) >= most) return usedUp(name, calls, most)
  }
  return firstDeclared(action, look)
}

/** Counts what the API has called itself. It has happened: the rule says so, and the next request that offers it is refused. */
function answerFinding({ quota }: Settings, calls: Map<string, number>, result: unknown): Finding | undefined {
  const { content } = Object(result) as { readonly content?: unknown }
  let found: Finding | undefined
  for (const block of Array.isArray(content) ? (content as readonly Json[]) : []) {
    for (const name of serverCall(block)) {
      const most = quota.get(name)
      if (most === undefined) continue
      calls.set(name, (calls.get(name) ?? 0) + 1)
      if (calls.get(name)! > most) found = usedUp(name, calls, most)
    }
  }
  return found
}

const usedUp = (name: string, calls: ReadonlyMap<string, number>, most: number): Finding => ({
  details: `tool ${shown(name)} has been called ${calls.get(name) ?? 0} times, ${most} allowed`,
})

function usedFinding(settings: Settings, calls: Map<string, number>, action: ToolAction): ReturnType<Checker> {
  const early = nameFinding(settings, action.name) ?? keyFinding(action)
  if (early) return early
  const wrong = settings.schemas?.(action.name, action.input)
  if (wrong === undefined) return count(settings, calls, action.name)
  return wrong instanceof Promise ? wrong.then(found => found ?? count(settings, calls, action.name)) : wrong
}

/** Whatever the schema says of further members: no tool needs them, and many copy what they are given. */
function keyFinding({ name, input }: ToolAction): Finding | undefined {
  const key = prototypeKey(input)
  return key === undefined ? undefined : { details: `the input of tool ${shown(name)} has a member ${shown(key)}` }
}

function nameFinding({ allow, deny }: Settings, name: string): Finding | undefined {
  if (deny.has(name)) return { details: `tool ${shown(name)} is denied` }
  if (allow && !allow.has(name)) return { details: `tool ${shown(name)} is not on the list of those allowed` }
}

/** Looks and counts in one step, so that two calls at once cannot both take the last one. */
function count({ quota }: Settings, calls: Map<string, number>, name: string): Finding | undefined {
  const most = quota.get(name)
  if (most === undefined) return
  const made = calls.get(name) ?? 0
  if (made >= most) return usedUp(name, calls, most)
  calls.set(name, made + 1)
}

function declaredLook(settings: Settings, calls: ReadonlyMap<string, number>): DeclaredLook {
  return (name, atServer, definition) =>
    (atServer && !isOfMcp(name, definition) ? serverFinding(settings, calls, name, definition) : undefined) ??
    pinFinding(settings, name, definition)
}

/** Judged by what it lets the API use, in `mcpReach`. */
const isOfMcp = (name: string, definition: Json): boolean => name === everyServer || isToolset(definition)

/** By its name and by its type, without the date: neither may say what the other does not. */
function serverFinding(settings: Settings, calls: ReadonlyMap<string, number>, name: string, definition: Json): Finding | undefined {
  const { type, max_uses: uses } = Object(definition) as { readonly type?: unknown; readonly max_uses?: unknown }
  const family = String(type).replace(/_\d{8}$/, '')
  return nameFinding(settings, name) ?? nameFinding(settings, family) ?? usesFinding(settings, calls, family, uses)
}

/** Server tools whose calls in one request `max_uses` bounds. */
const bounded: ReadonlySet<string> = new Set(['web_search', 'web_fetch', 'advisor'])

function usesFinding({ quota }: Settings, calls: ReadonlyMap<string, number>, name: string, uses: unknown): Finding | undefined {
  const most = quota.get(name)
  if (most === undefined) return
  const left = most - (calls.get(name) ?? 0)
  if (left <= 0) return usedUp(name, calls, most)
  if (bounded.has(name) && !(typeof uses === 'number' && uses <= left))
    return { details: `tool ${shown(name)} may be called ${left} times more; declare it with max_uses of at most that` }
}

function pinFinding({ pin }: Settings, name: string, definition: unknown): Finding | undefined {
  if (pin === undefined) return
  const pinned = pin.get(name)
  if (pinned === undefined) return { details: `tool ${shown(name)} is declared and not pinned` }
  if (toolDigest(definition as object) !== pinned) return { details: `tool ${shown(name)} is declared otherwise than pinned` }
}

const isSchema = (value: unknown): boolean => typeof value === 'boolean' || (typeof value === 'object' && value !== null)
const isPin = (value: unknown): boolean =>
  typeof value === 'string' ? /^[0-9a-f]{64}$/.test(value) : typeof value === 'object' && value !== null

function digests(name: string, given: unknown, holds: (value: unknown) => boolean): Readonly<Record<string, string>> {
  const entries = Object.entries(plainObject(where, name, given as object))
  for (const [tool, value] of entries)
    if (!holds(value))
      throw new TypeError(
        `${where}: ${name}.${tool} must be ${name === 'pin' ? 'a definition or its digest, 64 hex digits' : 'a JSON Schema'}, got ${shown(value)}`,
      )
  return Object.fromEntries(entries.map(([tool, value]) => [tool, typeof value === 'string' ? value : pinOf(name, value)]))
}

const pinOf = (name: string, value: unknown): string => (name === 'pin' ? toolDigest(value as object) : digestOf(value))

function quotas(given: unknown): Readonly<Record<string, number>> {
  const entries = Object.entries(plainObject(where, 'quota', given as object))
  return Object.fromEntries(entries.map(([tool, n]) => [tool, wholeNumber(where, `quota.${tool}`, n, 0)]))
}
