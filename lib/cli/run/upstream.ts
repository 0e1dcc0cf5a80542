import { resolve } from 'node:path'
import { keepForItself } from '../../core/own-files.js'
import { type CommandIo, UsageError } from '../command.js'
import { findConfig, type LoadedConfig, loadConfig } from '../config.js'
import type { Config } from '../config-schema.js'

/** Where Claude is where nobody says anything. */
const usual = 'https://api.anthropic.com'

/** What the configuration says. @throws as {@link trustedConfig} */
export async function runConfig(io: CommandIo): Promise<Config> {
  return (await trustedConfig(io))?.config ?? {}
}

/**
 * The configuration: the file named, else the JSON one of the folder. One that is code runs beside the key, so it must be named. Rules keep the agent from it.
 * @throws UsageError, or ConfigError with what is wrong and where
 */
export async function trustedConfig(io: CommandIo): Promise<LoadedConfig | undefined> {
  const named = typeof io.options.config === 'string' ? io.options.config : undefined
  const path = named === undefined ? findConfig(io.cwd) : resolve(io.cwd, named)
  if (path !== undefined) keepForItself(path)
  if (named === undefined && path !== undefined && !path.endsWith('.json'))
    throw new UsageError(`${path} is code, and would run beside the key; name it if you trust it: --config ${path}`)
  const loaded = await loadConfig(io, named)
  if (named === undefined) refuseOtherWay(loaded)
  return loaded
}

/** What lies in a folder must not send the key elsewhere: a repository that was cloned is not the user's word. */
function refuseOtherWay(loaded: LoadedConfig | undefined): void {
  const { baseURL, headers } = loaded?.config.claude ?? {}
  if (baseURL === undefined && headers === undefined) return
  throw new UsageError(
    `${loaded!.file} says where the key goes (claude.baseURL, claude.headers); name it if you trust it: --config ${loaded!.file}`,
  )
}

/** Where Claude is, for as long as the companion runs: said on the command line, in a configuration that was named, or by the environment at the start. */
export function baseURLOf(io: CommandIo, { claude }: Config): string {
  const { 'base-url': said } = io.options
  if (typeof said === 'string') return checked(said, '--base-url')
  if (claude?.baseURL !== undefined) return claude.baseURL
  return checked(io.env.ANTHROPIC_BASE_URL?.trim() || usual, 'ANTHROPIC_BASE_URL')
}

function checked(url: string, from: string): string {
  const protocol = URL.canParse(url) ? new URL(url).protocol : ''
  if (protocol !== 'https:' && protocol !== 'http:') throw new UsageError(`${from} must be an address that begins with https:// or http://`)
  return url
}
