import { resolve } from 'node:path'
import { commands } from '../commands/commands.js'
import { content } from '../content/content.js'
import { plainObject, shown } from '../check-options.js'
import { files } from '../files/files.js'
import { maxChildren } from '../max-children.js'
import { maxTokens } from '../max-tokens.js'
import { network } from '../network/network.js'
import { selfModification } from '../self-modification/self-modification.js'
import { tools } from '../tools/tools.js'
import type { Rule } from '../types.js'

type Make = (options: any, folder: string) => Rule

/** Makes each rule as `rules.*` does, from what JSON can say. Relative paths start from the folder of the file. */
const makers: Readonly<Record<string, Make>> = {
  commands: options => commands(options),
  files: (options, folder) => files({ ...options, root: rootIn(options.root ?? '.', folder) }),
  network: options => network(hostsIn(options)),
  tools: options => tools(options),
  content: options => content({ ...options, deny: patternsIn(options.deny) }),
  maxTokens: options => counted(maxTokens, 'maxTokens', options),
  maxChildren: options => counted(maxChildren, 'maxChildren', options),
  selfModification: (options, folder) => selfModification({ ...options, ...(options.paths && { paths: pathsIn(options.paths, folder) }) }),
}

/** Rules of one number, which may stand alone. */
const counting: ReadonlySet<string> = new Set(['maxTokens', 'maxChildren'])

/** The names of the rules that a file can hold. */
export const ruleNames: readonly string[] = Object.keys(makers)

/**
 * One entry of a file of rules: `{ "commands": { "deny": ["rm"] } }`.
 * @throws TypeError or RangeError that says what is wrong
 */
export function ruleFromJson(entry: unknown, folder: string): Rule {
  const [name, ...others] = Object.keys(plainObject('rules', 'an entry', entry as object))
  if (name === undefined || others.length > 0) throw new TypeError(`a rule must be an object with one of ${ruleNames.join(', ')}`)
  if (!ruleNames.includes(name)) throw new TypeError(`unknown rule "${name}"; known are ${ruleNames.join(', ')}`)
  const options = (entry as Record<string, unknown>)[name]
  if (typeof options === 'number' && counting.has(name)) return makers[name]!(options, folder)
  refuseNull(`rules.${name}`, plainObject(`rules.${name}`, 'options', options as object))
  return makers[name]!(options, folder)
}

/** What TypeScript would not let pass: in code, `null` here and there counts as left out. */
function refuseNull(where: string, options: object): void {
  for (const [option, value] of Object.entries(options)) {
    if (value === null) throw new TypeError(`${where}: ${option} must not be null; leave it out`)
    if (option === 'names') refuseNull(`${where}: names`, value as object)
  }
}

function hostsIn<T extends { readonly allow?: unknown }>(options: T): T {
  const { allow } = options
  if (typeof allow === 'string' && allow !== 'public' && allow !== 'none')
    throw new TypeError(`rules.network: allow must be a list of hosts, or one of "public", "none"; got ${shown(allow)}`)
  return options
}

function counted(make: typeof maxTokens, name: string, options: number | ({ readonly n?: unknown } & object)): Rule {
  if (typeof options === 'number') return make(options)
  const { n, ...rest } = options
  if (n === undefined) throw new TypeError(`rules.${name}: n must be a whole number; it is missing`)
  return make(n as number, rest)
}

function patternsIn(deny: unknown): unknown {
  return Array.isArray(deny) ? deny.map(patternOf) : deny
}

function patternOf(entry: unknown): unknown {
  if (typeof entry !== 'object' || entry === null) return entry
  const { pattern, flags = '', ...unknown } = entry as Record<string, unknown>
  const [more] = Object.keys(unknown)
  if (more !== undefined) throw new TypeError(`rules.content: deny: unknown key "${more}"; known are pattern, flags`)
  if (typeof pattern !== 'string' || pattern.trim() === '')
    throw new TypeError(`rules.content: deny: pattern must be a text, got ${shown(pattern)}`)
  if (typeof flags !== 'string' || !/^[imsuv]*$/.test(flags))
    throw new TypeError('rules.content: deny: flags must be some of i, m, s, u, v')
  try {
    return new RegExp(pattern, flags)
  } catch (error) {
    throw new TypeError(`rules.content: deny: ${(error as Error).message}`)
  }
}

function rootIn(root: unknown, folder: string): string {
  if (typeof root !== 'string' || root.trim() === '') throw new TypeError(`rules.files: root must be a folder, got ${shown(root)}`)
  return resolve(folder, root)
}

function pathsIn(paths: unknown, folder: string): unknown {
  return Array.isArray(paths) ? paths.map(path => (typeof path === 'string' && path.trim() !== '' ? resolve(folder, path) : path)) : paths
}
