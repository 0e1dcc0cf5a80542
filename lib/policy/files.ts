import type { Stats } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import type { ToolAction } from '../core/types.js'
import { optionalList, plainObject, shown } from './check-options.js'
import { always, defineRule, type RuleOptions } from './define-rule.js'
import { type PathPattern, pathPattern } from './path-patterns.js'
import { isProtected } from './protected-paths.js'
import { realPath } from './real-path.js'
import { inputField, knownTools, namesAsFacts, type ToolNames } from './tool-names.js'
import type { Finding, Rule } from './types.js'

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

type Use = 'read' | 'write'

interface Settings {
  readonly root: string
  readonly realRoot: string
  /** Real paths; `undefined` allows all. */
  readonly folders: Readonly<Record<Use, readonly string[] | undefined>>
  readonly deny: readonly PathPattern[]
}

const where = 'rules.files'
const longest = 4096

/**
 * Which files the file tools may read and write, by where a path leads when its links are followed. The files that steer the sidecar are always
 * refused. It looks at the disk when it judges: what is changed between the judgement and the tool is not seen.
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
  const settings = settingsOf(resolve(root), given)
  return defineRule(
    {
      name: 'files',
      stages: ['action'],
      kinds: ['tool'],
      facts: { ...given, root: settings.root, names: { read: namesAsFacts(known.read), write: namesAsFacts(known.write) } },
      known: ['read', 'write', 'deny', 'root', 'names'],
      begin: always(({ action }) => {
        const { name, input } = action as ToolAction
        const writes = known.write.get(name)
        if (writes !== undefined) return fileFinding(settings, 'write', inputField(input, writes))
        const reads = known.read.get(name)
        return reads === undefined ? undefined : fileFinding(settings, 'read', inputField(input, reads))
      }),
    },
    options,
  )
}

function settingsOf(root: string, { read, write, deny }: { readonly [K in Use | 'deny']: readonly string[] | undefined }): Settings {
  const limited = read !== undefined || write !== undefined
  const real = (folders: readonly string[] | undefined) =>
    limited ? (folders ?? []).map(folder => realPath(resolve(root, folder)).path) : undefined
  return {
    root,
    realRoot: realPath(root).path,
    folders: { read: real(read), write: real(write) },
    deny: (deny ?? []).map(pattern => pathPattern(where, pattern)),
  }
}

function fileFinding(settings: Settings, use: Use, path: unknown): Finding | undefined {
  const details = strange(path) ?? placeFinding(settings, use, path as string)
  return details === undefined ? undefined : { details }
}

/** Forms that another reader could take for another place. */
function strange(path: unknown): string | undefined {
  if (typeof path !== 'string' || path === '') return 'there is no path to judge'
  if (path.length > longest) return `a path of ${path.length} characters is too long`
  if (path.includes('\0')) return 'the path holds a NUL'
  if (/%(?:2e|2f|5c|00|25)/i.test(path)) return 'the path holds an encoded character'
  if (/^\s*(?:~|\$|[a-z][a-z\d+.-]+:)/i.test(path)) return 'the path starts with ~, $ or a scheme'
  if (path.includes('\\') && sep !== '\\') return 'the path holds a backslash'
  if (/(?:^|[\\/])\.{3,}(?=[\\/]|$)/.test(path)) return 'the path holds a part of dots'
  return sep === '\\' ? strangeOnWindows(path) : undefined
}

function strangeOnWindows(path: string): string | undefined {
  if (/^[\\/]{2}/.test(path)) return 'the path leads to a device or another computer'
  if (path.slice(2).includes(':')) return 'the path names a stream'
  if (/[. ](?=[\\/]|$)/.test(path.replace(/(^|[\\/])\.{1,2}(?=[\\/]|$)/g, '$1'))) return 'a part of the path ends in a dot or a space'
  return /~\d|(^|[\\/])(con|prn|aux|nul|com\d|lpt\d)(\.|[\\/]|$)/i.test(path) ? 'the path holds a short or reserved name' : undefined
}

function placeFinding(settings: Settings, use: Use, path: string): string | undefined {
  const lexical = resolve(settings.root, path)
  const real = followed(isAbsolute(path) ? path : `${settings.root}${sep}${path}`)
  if (real === undefined) return `the path ${shown(path)} cannot be followed`
  const denied = [path, lexical, real.path].some(isOwn) || isDenied(settings, [lexical, real.path])
  if (denied) return `${shown(path)} is denied`
  if (isPseudo(lexical) || isPseudo(real.path)) return `${shown(path)} is no file on a disk`
  const folders = settings.folders[use]
  if (folders && !folders.some(folder => isInside(folder, real.path)))
    return `${shown(path)} is outside of what may be ${use === 'read' ? 'read' : 'written'}`
  return real.stats && oddFile(real.stats, use, path)
}

function followed(path: string): ReturnType<typeof realPath> | undefined {
  try {
    return realPath(path)
  } catch {
    return undefined
  }
}

const isOwn = (path: string): boolean => isProtected(path)
const isPseudo = (path: string): boolean => /^\/(?:proc|sys|dev)(?:\/|$)/i.test(path)

function isDenied({ root, realRoot, deny }: Settings, paths: readonly string[]): boolean {
  const forms = paths.flatMap(path => [path, relative(root, path), relative(realRoot, path)]).map(slashed)
  return deny.some(matches => forms.some(matches))
}

const slashed = (path: string): string => path.split(sep).join('/').replace(/^\/+/, '')

/** Is a path the folder itself or below it? Part by part: `/ws-evil` is not in `/ws`. */
function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

function oddFile(stats: Stats, use: Use, path: string): string | undefined {
  if (!stats.isFile() && !stats.isDirectory()) return `${shown(path)} is neither a file nor a folder`
  if (use === 'write' && stats.isDirectory()) return `${shown(path)} is a folder`
  return use === 'write' && stats.nlink > 1 ? `${shown(path)} has another name on the disk` : undefined
}
