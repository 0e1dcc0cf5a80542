import { resolve } from 'node:path'
import type { ToolAction } from '../../core/types.js'
import { optionalList, plainObject, shown } from '../check-options.js'
import { always, defineRule, type RuleOptions } from '../define-rule.js'
import { type FilePlaces, heldFinding, pathFinding, type Use } from './file-places.js'
import { pathPattern } from './path-patterns.js'
import { realPath } from './real-path.js'
import { pinOf } from './root-pin.js'
import { inputField, knownTools, namesAsFacts, type ToolNames } from '../tools/tool-names.js'
import type { FileChecker, Finding, Rule } from '../types.js'

/** Options of `rules.files`. At least one of `read`, `write` and `deny` is needed. */
export interface FilesRuleOptions extends RuleOptions {
  /** Folders and files that may be read. Default: none where `write` is given, else all. */
  readonly read?: readonly string[]
  /** Folders and files that may be written. Default: none where `read` is given, else all. */
  readonly write?: readonly string[]
  /** What may be neither read nor written: `secret.env`, `*.pem`, `config/**`. Wins over the others. */
  readonly deny?: readonly string[]
  /** What relative paths start from. Default: the working directory of the process when the rule is made. */
  readonly root?: string
  /** Which tools read and write files. Default: `Read`, `Write` and `Edit` with `file_path`. */
  readonly names?: ToolNames
}

const where = 'rules.files'

/**
 * Which files the file tools may read and write, by where a path leads when its links are followed. The files that steer the sidecar are always
 * refused. It looks at the disk when it judges: what is changed between the judgement and the tool is seen by `guardedFiles` alone.
 * @throws TypeError on a wrong option
 */
export function files(options: FilesRuleOptions): Rule {
  const { read, write, deny, root = process.cwd(), names } = plainObject(where, 'options', options)
  if (read === undefined && write === undefined && deny === undefined) throw new TypeError(`${where}: give one of read, write, deny`)
  if (typeof root !== 'string' || root === '') throw new TypeError(`${where}: root must be a folder, got ${shown(root)}`)
  const given = {
    read: optionalList(where, 'read', read),
    write: optionalList(where, 'write', write),
    deny: optionalList(where, 'deny', deny),
  }
  const known = knownTools(where, names)
  const places = placesOf(resolve(root), given)
  const found = (use: Use, path: unknown) => asFinding(pathFinding(places, use, path))
  return defineRule(
    {
      name: 'files',
      stages: ['action'],
      kinds: ['tool'],
      facts: { ...given, root: places.root, names: { read: namesAsFacts(known.read), write: namesAsFacts(known.write) } },
      known: ['read', 'write', 'deny', 'root', 'names'],
      begin: always(({ action }) => {
        const { name, input } = action as ToolAction
        const writes = known.write.get(name)
        if (writes !== undefined) return found('write', inputField(input, writes))
        const reads = known.read.get(name)
        return reads === undefined ? undefined : found('read', inputField(input, reads))
      }),
      file: checker(places),
    },
    options,
  )
}

function checker(places: FilePlaces): FileChecker {
  return {
    root: places.root,
    asked: (use, path, given) => asFinding(pathFinding(places, use, path, given)),
    held: (file, given) => asFinding(heldFinding(places, file, given)),
  }
}

const asFinding = (details: string | undefined): Finding | undefined => (details === undefined ? undefined : { details })

function placesOf(root: string, { read, write, deny }: { readonly [K in Use | 'deny']: readonly string[] | undefined }): FilePlaces {
  const limited = read !== undefined || write !== undefined
  const real = (folders: readonly string[] | undefined) =>
    limited ? (folders ?? []).map(folder => realPath(resolve(root, folder)).path) : undefined
  return {
    root,
    realRoot: realPath(root).path,
    pin: pinOf(root),
    folders: { read: real(read), write: real(write) },
    deny: (deny ?? []).map(pattern => pathPattern(where, pattern)),
  }
}
