import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isPreset } from '../../core/define.js'
import type { Preset } from '../../core/define-preset.js'
import { ConfigError } from '../../core/errors.js'
import { packageEntry } from './package-entry.js'
import type { Around } from './stack-spec.js'

/** What the errors are about, for whoever shows where it stands. */
const ofPreset = { part: 'preset' }

type Importing = Required<Pick<Around, 'importModule'>> & Pick<Around, 'cwd'>

/** The preset that a name means. @throws ConfigError where it is not installed, is none, or cannot be imported */
export async function findPreset(name: string, around: Importing): Promise<Preset> {
  const found = isPath(name) ? await fromFile(name, around) : await installed(packageOf(name), around)
  if (found === undefined) throw new ConfigError(`there is no preset "${name}" here; npm install ${packageOf(name)}`, ofPreset)
  return presetIn(found, name)
}

/**
 * The preset of a package that is installed where this library is. The working directory is not asked: nobody has named the preset, and what
 * lies in a folder that was cloned is not the user's word. @throws ConfigError where it is there and cannot be used
 */
export async function findInstalled(name: string, { importModule }: Importing): Promise<Preset | undefined> {
  const found = await besideUs(packageOf(name), importModule)
  return found === undefined ? undefined : presetIn(found, name)
}

/** The same, of a preset that has to be there. @throws ConfigError where it is not */
export async function installedPreset(name: string, around: Importing): Promise<Preset> {
  const found = await findInstalled(name, around)
  if (found) return found
  const fix = `install ${packageOf(name)} there, or name the preset (--preset ${name}) or the configuration (--config) yourself`
  throw new ConfigError(
    `there is no preset "${name}" beside outrigger, and what lies in a folder does not say which code runs; ${fix}`,
    ofPreset,
  )
}

/** Is this the path of a module, not the name of a preset? */
export const isPath = (name: string): boolean => /^(\.{0,2}\/|\.{1,2}$|[A-Za-z]:[\\/])/.test(name) || /\.[cm]?[jt]s$/.test(name)

/** A word is the name behind `outrigger-preset-`; a package of another name is given whole, with its scope. */
export function packageOf(name: string): string {
  const whole = name.startsWith('@') || name.startsWith('outrigger-preset-')
  const fits = whole ? /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/ : /^[a-z0-9][a-z0-9._-]*$/
  if (!fits.test(name))
    throw new ConfigError(
      `"${name.slice(0, 100)}" is no name of a preset; give one like claude-code, a package like @acme/preset, or a path like ./preset.mjs`,
      ofPreset,
    )
  return whole ? name : `outrigger-preset-${name}`
}

async function fromFile(path: string, { cwd, importModule }: Importing): Promise<unknown> {
  const file = resolve(cwd, path)
  if (!existsSync(file)) throw new ConfigError(`there is no preset at ${path}; correct the path`, ofPreset)
  return imported(path, pathToFileURL(file).href, importModule)
}

/** From the working directory, then from where this library is. */
async function installed(name: string, { cwd, importModule }: Importing): Promise<unknown> {
  const entry = packageEntry(name, cwd)
  return entry === undefined ? besideUs(name, importModule) : imported(name, entry, importModule)
}

const besideUs = (name: string, importModule: Importing['importModule']): Promise<unknown> =>
  importModule(name).catch((error: unknown) => {
    if (isAbsent(error, name)) return undefined
    throw unusable(name, error)
  })

const imported = (name: string, url: string, importModule: Importing['importModule']): Promise<unknown> =>
  importModule(url).catch((error: unknown) => {
    throw unusable(name, error)
  })

const unusable = (name: string, error: unknown): ConfigError =>
  new ConfigError(`the preset ${name} cannot be imported: ${error instanceof Error ? error.message : String(error)}`, ofPreset)

/** Is it this package that is not there, not one that it imports? */
function isAbsent(error: unknown, name: string): boolean {
  const { code, message } = Object(error) as NodeJS.ErrnoException
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && String(message).includes(`'${name}'`)
}

/** What a module exports by default is it; else the one preset among its exports. */
function presetIn(module: unknown, name: string): Preset {
  const exported = Object(module) as { readonly default?: unknown }
  const inner = Object(exported.default) as { readonly default?: unknown }
  const byDefault = [exported.default, inner.default].find(isCallablePreset)
  if (byDefault) return byDefault
  const presets = [...new Set(Object.values(exported).filter(isCallablePreset))]
  if (presets.length === 1) return presets[0]!
  throw new ConfigError(`the module of the preset "${name}" does not export one by default; export what definePreset() made`, ofPreset)
}

const isCallablePreset = (value: unknown): value is Preset => typeof value === 'function' && isPreset(value)
