// Installs a folder's locked dependencies when they are missing or not the locked ones.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readJson, runNpm, say } from './project.mjs'

/** Are the packages on disk the ones that package-lock.json names? What npm may leave out (optional, other platforms) is not asked for. */
export function installed(folder) {
  const record = join(folder, 'node_modules/.package-lock.json')
  if (!existsSync(record)) return false
  const present = readJson(record).packages
  return Object.entries(readJson(join(folder, 'package-lock.json')).packages).every(([path, locked]) =>
    satisfied(path, locked, present[path]),
  )
}

function satisfied(path, locked, present) {
  if (!path.includes('node_modules/')) return true
  if (!present) return Boolean(locked.optional || locked.devOptional || locked.peer)
  return present.version === locked.version && present.integrity === locked.integrity
}

/**
 * `npm ci`, when it is needed. Where that refuses (a registry that lacks a package of another platform), `npm install`, which takes the locked
 * versions too and leaves the lock as it is. @throws Error that says how to see more.
 */
export function install(folder, what = 'dependencies') {
  if (installed(folder)) return
  say(`installing ${what} …`)
  const options = ['--no-audit', '--no-fund']
  if (runNpm(['ci', ...options], { cwd: folder, quiet: true }) === 0) return
  say('npm ci refused; trying npm install')
  if (runNpm(['install', '--no-save', ...options], { cwd: folder }) !== 0)
    throw new Error(`the installation in ${folder} failed; see above, or run npm install --loglevel=verbose there`)
}
