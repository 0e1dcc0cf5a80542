import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

interface Manifest {
  readonly exports?: Exports
  readonly module?: string
  readonly main?: string
}

type Exports = string | null | readonly Exports[] | { readonly [key: string]: Exports }

/** The conditions under which Node imports a module. */
const conditions: ReadonlySet<string> = new Set(['node', 'import', 'module-sync', 'default'])

/**
 * The URL of the module that `import(name)` would load in a folder, where that package is installed there or above. Node resolves from the
 * importing file alone; a command is asked to resolve from where it is called.
 */
export function packageEntry(name: string, from: string): string | undefined {
  const folders = createRequire(join(from, 'noop.js')).resolve.paths(name) ?? []
  const folder = folders.map(place => join(place, name)).find(place => existsSync(join(place, 'package.json')))
  if (folder === undefined) return undefined
  const entry = join(realpathSync(folder), entryOf(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))))
  return pathToFileURL(entry).href
}

function entryOf({ exports, module, main }: Manifest): string {
  return (exports && target(rootOf(exports))) || module || main || 'index.js'
}

/** What stands at `.`; an `exports` without paths is that. */
function rootOf(exports: Exports): Exports {
  return isConditions(exports) && Object.keys(exports).some(key => key.startsWith('.')) ? (exports['.'] ?? null) : exports
}

function target(value: Exports): string | undefined {
  if (typeof value === 'string') return value
  if (value === null) return undefined
  const ways = isConditions(value)
    ? Object.entries(value)
        .filter(([name]) => conditions.has(name))
        .map(([, way]) => way)
    : value
  for (const way of ways) {
    const found = target(way)
    if (found !== undefined) return found
  }
  return undefined
}

const isConditions = (value: Exports): value is { readonly [key: string]: Exports } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
