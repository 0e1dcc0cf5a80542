import { existsSync, readFileSync } from 'node:fs'
import { extname, isAbsolute, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError } from '../core/errors.js'
import { checkConfig, type ConfigProblem } from './check-config.js'
import { type Io, UsageError } from './command.js'
import type { Config } from './config-schema.js'
import { isPath } from './stack/find-preset.js'
import { JsonSyntaxError, parseWithPlaces, placeOf } from '../core/json-positions.js'

/** The names that are looked for, in this order, when no file is named. */
export const configFiles: readonly string[] = ['json', 'js', 'mjs', 'ts'].map(ending => `outrigger.config.${ending}`)

/** A configuration that is valid, and where it came from (absolute). */
export interface LoadedConfig {
  readonly file: string
  readonly config: Config
  /** Somebody has named the file: it is the user's word, not that of whoever made the folder. */
  readonly named: boolean
  /** What is wrong with it after all, as an error that points at the value of this JSON pointer. */
  readonly refused?: (problems: readonly ConfigProblem[]) => ConfigError
}

/** One message of a refused configuration; line and column count from 1 and are there where the file's format tells them. */
export interface ConfigFinding {
  readonly message: string
  readonly line?: number
  readonly column?: number
}

interface Source {
  readonly value: unknown
  /** Where a JSON pointer stands in the text. */
  readonly offset: (pointer: string) => number | undefined
  readonly text: string
}

const headline = (name: string, { message, line, column }: ConfigFinding): string =>
  `${[name, line, column].filter(part => part !== undefined).join(':')} ${message}`

function refused(file: string, cwd: string, findings: readonly ConfigFinding[]): ConfigError {
  const name = relative(cwd, file) || file
  return new ConfigError(findings.map(finding => headline(name, finding)).join('\n'), { file, findings })
}

function readJsonFile(file: string, cwd: string): Source {
  const text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  try {
    const { value, places } = parseWithPlaces(text)
    return { value, text, offset: pointer => places.get(pointer) }
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    throw refused(file, cwd, [{ message: `is not valid JSON: ${error.message}; correct it there`, ...placeOf(text, error.offset) }])
  }
}

/** A key of a module is placed only when it stands exactly once: a wrong line is worse than none. */
function onlyPlace(text: string, pointer: string): number | undefined {
  const key = pointer.split('/').at(-1)!
  if (!/^[\w$]+$/.test(key)) return undefined
  const matches = [...text.matchAll(new RegExp(`(?<![\\w$])${key.replaceAll('$', '\\$')}(?=["']?\\s*:)`, 'g'))]
  return matches.length === 1 ? matches[0]!.index : undefined
}

function needsTypeScript(file: string, cwd: string): void {
  if (extname(file) !== '.ts' || (process.features as { typescript?: unknown }).typescript) return
  throw refused(file, cwd, [
    { message: `cannot be imported by Node ${process.version}; use Node 22.18 or newer, or write it as outrigger.config.mjs or .json` },
  ])
}

async function importDefault(file: string, { cwd, importModule = url => import(url) }: Pick<Io, 'cwd' | 'importModule'>): Promise<unknown> {
  const module = await importModule(pathToFileURL(file).href).catch((error: unknown) => {
    throw refused(file, cwd, [{ message: `cannot be imported: ${error instanceof Error ? error.message : String(error)}` }])
  })
  if (typeof module === 'object' && module !== null && 'default' in module) return module.default
  throw refused(file, cwd, [{ message: 'has no default export; write export default { … }' }])
}

async function read(file: string, io: Pick<Io, 'cwd' | 'importModule'>): Promise<Source> {
  if (extname(file) === '.json') return readJsonFile(file, io.cwd)
  needsTypeScript(file, io.cwd)
  const text = readFileSync(file, 'utf8')
  return { value: await importDefault(file, io), text, offset: pointer => onlyPlace(text, pointer) }
}

function named(file: string, cwd: string): string {
  const path = isAbsolute(file) ? file : join(cwd, file)
  if (!existsSync(path)) throw new UsageError(`there is no configuration file ${file}; correct --config`)
  if (!['.json', '.js', '.mjs', '.cjs', '.ts'].includes(extname(path)))
    throw new UsageError(`${file} is not a configuration file; it must end in .json, .js, .mjs, .cjs or .ts`)
  return path
}

/** The configuration file of a folder, absolute; `undefined` where there is none. @throws UsageError when there are several. */
export function findConfig(cwd: string): string | undefined {
  const found = configFiles.filter(name => existsSync(join(cwd, name)))
  if (found.length > 1) throw new UsageError(`${found.join(' and ')} are both here; keep one, or name one with --config`)
  return found[0] === undefined ? undefined : join(cwd, found[0])
}

/**
 * Loads and checks a configuration: the file named, or the `outrigger.config.*` of the folder.
 * @returns `undefined` when none is named and none is there.
 * A preset that is a path is taken from a file that was named alone.
 * @throws UsageError when the file named is not there. ConfigError that points at file, line and column; `facts.findings` lists every fault.
 */
export async function loadConfig(io: Pick<Io, 'cwd' | 'importModule'>, file?: string): Promise<LoadedConfig | undefined> {
  const path = file === undefined ? findConfig(io.cwd) : named(file, io.cwd)
  if (path === undefined) return undefined
  const source = await read(path, io)
  const problems = await checkConfig(source.value)
  const refuse = (found: readonly ConfigProblem[]) =>
    refused(
      path,
      io.cwd,
      found.map(problem => placed(problem, source)),
    )
  if (problems.length > 0) throw refuse(problems)
  const code = file === undefined ? presetsThatAreCode(source.value as Config, path, io.cwd) : []
  if (code.length > 0) throw refuse(code)
  return { file: path, config: source.value as Config, named: file !== undefined, refused: refuse }
}

/** What lies in a folder is not the user's word: a module beside a configuration that nobody named would run beside the key. */
function presetsThatAreCode({ preset, agents = [] }: Config, file: string, cwd: string): readonly ConfigProblem[] {
  const named = [{ at: '', preset }, ...agents.map(({ preset }, at) => ({ at: `/agents/${at}`, preset }))]
  const fix = `name the configuration if you trust it: --config ${relative(cwd, file)}`
  return named.flatMap(({ at, preset }) =>
    preset !== undefined && isPath(preset)
      ? [{ pointer: `${at}/preset`, message: `"${preset}" is code, and would run beside the key; ${fix}` }]
      : [],
  )
}

function placed({ message, pointer }: ConfigProblem, { text, offset }: Source): ConfigFinding {
  const start = offset(pointer)
  return start === undefined ? { message } : { message, ...placeOf(text, start) }
}
