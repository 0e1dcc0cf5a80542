import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** The root of the checkout. */
export const root = join(__dirname, '../..')

/** One import: what is written, and the source file it means, from the root; `undefined` for another package. */
export interface Import {
  readonly specifier: string
  readonly file: string | undefined
  /** It is erased when compiled. */
  readonly typeOnly: boolean
}

type Exports = Readonly<Record<string, string | { readonly 'outrigger-source'?: string }>>

/** What package.json exports: entry → source file. */
export function entries(): ReadonlyMap<string, string> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Exports }
  const sources = Object.entries(exports).map(
    ([path, target]) => [`outrigger${path.slice(1)}`, typeof target === 'string' ? undefined : target['outrigger-source']] as const,
  )
  return new Map(sources.flatMap(([name, source]) => (source ? [[name, source.slice(2)]] : [])))
}

/** The source files of a folder, from the root: `lib/core/slot.ts`. Empty where the folder is not there. */
export function sourceFiles(folder: string): readonly string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(
      entry => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts') && !entry.parentPath.includes('node_modules'),
    )
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}

/** A source file without its comments; strings stay. */
export function codeOf(file: string): string {
  const text = readFileSync(join(root, file), 'utf8')
  return text.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_all, string: string | undefined) => string ?? '',
  )
}

const importForms = /(?:^|[;\s])(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"]+)['"]|(?:import|require)\(\s*['"]([^'"]+)['"]/gm

/** Everything that a file imports, also dynamically and for types alone. */
export function importsOf(file: string): readonly Import[] {
  return [...codeOf(file).matchAll(importForms)].map(match => {
    const specifier = match[1] ?? match[2]!
    return { specifier, file: resolved(specifier, file), typeOnly: isTypeOnly(match[0]) }
  })
}

function isTypeOnly(statement: string): boolean {
  if (/^\s*(import|export)\s+type\s/.test(statement)) return true
  const names = /^\s*(?:import|export)\s*\{([^}]*)\}\s*from/
    .exec(statement)?.[1]
    ?.split(',')
    .filter(name => name.trim() !== '')
  return names?.every(name => name.trim().startsWith('type ')) ?? false
}

function resolved(specifier: string, from: string): string | undefined {
  if (!specifier.startsWith('.')) return entries().get(specifier)
  const path = relative(root, join(root, dirname(from), specifier))
  return path.endsWith('.js') ? `${path.slice(0, -3)}.ts` : path
}
