// What every script needs to know about this checkout. Plain Node: it runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The root of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** The absolute path of a file of the checkout. */
export const at = (...parts) => join(root, ...parts)

/** Progress goes to stderr: stdout belongs to the command's answer. */
export const say = text => process.stderr.write(`outrigger: ${text}\n`)

/** Was this module called by itself, not imported? */
export const isMain = url => process.argv[1] !== undefined && url === pathToFileURL(process.argv[1]).href

export const readJson = file => JSON.parse(readFileSync(file, 'utf8'))

/** Every file below a folder, sorted, as absolute paths. */
export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

/** The folders of presets/ that are packages, as absolute paths. */
export function presetFolders() {
  const folders = readdirSync(at('presets')).map(name => at('presets', name))
  return folders.filter(folder => existsSync(join(folder, 'package.json'))).sort()
}

/** Runs a program to its end and returns its exit code. Its stdout joins our stderr unless `stdout` is 'inherit'. */
export function run(program, args, { cwd = root, stdout = 2, env = process.env } = {}) {
  const { status, error } = spawnSync(program, args, { cwd, env, stdio: ['ignore', stdout, 2] })
  if (error) throw error
  return status ?? 1
}

/** Runs a tool of node_modules by the path of its script, so that no shell and no .cmd file is in the way. */
export function runTool(script, args, options) {
  return run(process.execPath, [at('node_modules', script), ...args], options)
}

/** Runs npm, the one that started us where it did. It is told to show errors, or not: the project's .npmrc silences it. */
export function runNpm(args, { quiet = false, ...options } = {}) {
  const npm = process.env.npm_execpath
  const shown = [...args, `--loglevel=${quiet ? 'silent' : 'error'}`]
  if (npm?.endsWith('.js')) return run(process.execPath, [npm, ...shown], options)
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', shown, options)
}
