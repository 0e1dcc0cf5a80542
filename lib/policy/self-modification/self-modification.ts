import { isAbsolute, resolve, sep } from 'node:path'
import { type Places, placesOf } from '../../core/own-files.js'
import type { ToolAction } from '../../core/types.js'
import { optionalList, plainObject } from '../check-options.js'
import { always, defineRule, type RuleOptions } from '../define-rule.js'
import { isProtected, isProtectedByAnotherName } from './protected-paths.js'
import { namesProtected } from './protected-text.js'
import { type RealPath, realPath } from '../files/real-path.js'
import { textsOf, UnreadableError } from '../content/texts.js'
import { inputField, knownTools, type KnownTools, namesAsFacts, type ToolNames } from '../tools/tool-names.js'
import type { FileChecker, Finding, HeldFile, Rule } from '../types.js'

/** Options of `rules.selfModification`. */
export interface SelfModificationOptions extends RuleOptions {
  /** Further files and folders that steer the agent, such as the file of its ledger. */
  readonly paths?: readonly string[]
  /** Which tools run commands, fetch, read and write. Default: those of the other rules. */
  readonly names?: ToolNames
}

const where = 'rules.selfModification'
const refused: Finding = Object.freeze({ details: 'it addresses the files that steer the sidecar' })

/**
 * An agent may not touch what holds it: `outrigger.config.*` and `outrigger.policy.*`, the folder `.context` (record, keys), books (`ledger.sqlite`,
 * `outrigger.sqlite`, each with `-wal`, `-shm` and `-journal`), the books, keys and logs that this process has opened, and `paths`. Looks at the path of a
 * file tool, at every word of a command, at the URL of a fetch, and at every text in the input of other tools that could be a path.
 * `withViolations` adds it to every stack.
 * @throws TypeError on a wrong option
 */
export function selfModification(options: SelfModificationOptions = {}): Rule {
  const { paths, names } = plainObject(where, 'options', options)
  const given = optionalList(where, 'paths', paths)
  const known = knownTools(where, names)
  const also = placesOf(given ?? [])
  return defineRule(
    {
      name: 'selfModification',
      stages: ['action'],
      kinds: ['tool'],
      severity: 'critical',
      facts: { paths: given, names: namesAsFacts(known.shell, known.fetch, known.read, known.write) },
      known: ['paths', 'names'],
      begin: always(({ action }) => (addresses(action as ToolAction, known, also) ? refused : undefined)),
      file: fileChecker(also),
    },
    options,
  )
}

function fileChecker(also: Places): FileChecker {
  return {
    asked: (_use, path) => (leadsThere(path, also) ? refused : undefined),
    held: file => (isOneOfThem(file, also) ? refused : undefined),
  }
}

function addresses({ name, input }: ToolAction, known: KnownTools, also: Places): boolean {
  const command = known.shell.get(name)
  if (command !== undefined) return namesProtected(String(inputField(input, command) ?? ''), also)
  const field = known.read.get(name) ?? known.write.get(name) ?? known.fetch.get(name)
  if (field !== undefined) return leadsThere(inputField(input, field), also)
  return anyText(input, text => text.length <= 4096 && !/\n/.test(text) && leadsThere(text, also))
}

function anyText(input: unknown, holds: (text: string) => boolean): boolean {
  try {
    for (const text of textsOf(input)) if (holds(text)) return true
    return false
  } catch (error) {
    if (error instanceof UnreadableError) return true
    throw error
  }
}

/** By its text, decoded too, and by where the disk says that it leads. */
function leadsThere(path: unknown, also: Places): boolean {
  if (typeof path !== 'string') return false
  const forms = [path, decoded(path), path.trim()].filter(form => form !== undefined)
  return (
    forms.some(form => isProtected(form.replace(/[?#].*$/s, ''), also) || isProtected(slashed(resolve(form)), also)) ||
    leadsOnDisk(path, also)
  )
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path.replace(/^file:\/\/[^/]*/i, ''))
  } catch {
    return undefined
  }
}

function leadsOnDisk(path: string, also: Places): boolean {
  const found = [...new Set([resolve(path), asKernel(path), resolve(path.trim())])].map(followed)
  return found.some(real => real !== undefined && isOneOfThem(real, also))
}

/** With each `..` left for the links before it. */
const asKernel = (path: string): string => (isAbsolute(path) ? path : `${process.cwd()}${sep}${path}`)

function isOneOfThem({ path, stats }: Pick<HeldFile, 'path' | 'stats'>, also: Places): boolean {
  return isProtected(slashed(path), also) || (stats?.isFile() === true && isProtectedByAnotherName(stats, process.cwd(), also))
}

const slashed = (path: string): string => path.split(sep).join('/')

function followed(path: string): RealPath | undefined {
  try {
    return realPath(path)
  } catch {
    return undefined
  }
}
