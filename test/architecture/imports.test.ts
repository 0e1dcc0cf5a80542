import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { codeOf, importsOf, root, sourceFiles } from './source-files.js'

/** core ← claude, ledger, policy, ctx ← sidecar ← index ← testing ← middleware ← fleet, server ← cli. */
const ranks = [
  ['lib/core'],
  ['lib/claude', 'lib/ledger', 'lib/policy', 'lib/ctx'],
  ['lib/sidecar'],
  ['lib/index'],
  ['lib/testing'],
  ['middleware'],
  ['lib/fleet', 'lib/server'],
  ['lib/cli'],
]

/** The part of the house that a file of lib or middleware is in; files beside lib/index.ts belong to the sidecar. */
function partOf(file: string): string {
  if (file.startsWith('middleware/')) return 'middleware'
  if (file === 'lib/index.ts') return 'lib/index'
  const folder = /^lib\/([^/]+)\//.exec(file)?.[1]
  return folder ? `lib/${folder}` : 'lib/sidecar'
}

const rankOf = (part: string): number => ranks.findIndex(parts => parts.includes(part))

const sources = [...sourceFiles('lib'), ...sourceFiles('middleware')]
const edges = sources.flatMap(from =>
  importsOf(from).flatMap(({ file, typeOnly }) => (file === undefined ? [] : [{ from, to: file, typeOnly }])),
)

function cycle(): readonly string[] | undefined {
  const targets = grouped()
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const { to } of targets.get(file) ?? []) {
      const found = visit(to, [...path, file])
      if (found) return found
    }
    done.add(file)
    return undefined
  }
  return sources.map(file => visit(file, [])).find(Boolean)
}

function grouped(): Map<string, typeof edges> {
  const map = new Map<string, typeof edges>()
  for (const edge of edges.filter(({ typeOnly }) => !typeOnly)) map.set(edge.from, [...(map.get(edge.from) ?? []), edge])
  return map
}

describe('imports', () => {
  it('are found: the reader of imports is not blind', () => {
    expect(edges).toContainEqual({ from: 'lib/cli/commands.ts', to: 'lib/cli/check.ts', typeOnly: false })
    expect(edges).toContainEqual({ from: 'lib/cli/check.ts', to: 'lib/core/errors.ts', typeOnly: false })
    expect(edges).toContainEqual({ from: 'lib/cli/stack/spec-of.ts', to: 'lib/cli/config-schema.ts', typeOnly: true })
  })

  it('point at files that are there, by their .js name', () => {
    const lost = edges.filter(({ to }) => !existsSync(join(root, to)))
    expect(lost).toEqual([])
  })

  it('every file has its place in the house', () => {
    expect(sources.filter(file => rankOf(partOf(file)) < 0)).toEqual([])
  })

  it('point one way, from the outer parts to the inner ones', () => {
    const wrong = edges.filter(({ from, to }) => partOf(from) !== partOf(to) && rankOf(partOf(to)) >= rankOf(partOf(from)))
    expect(wrong).toEqual([])
  })

  it('make no cycle at run time', () => {
    expect(cycle()).toBeUndefined()
  })

  it('koa-compose in exactly one file', () => {
    expect(sources.filter(file => importsOf(file).some(({ specifier }) => specifier === 'koa-compose'))).toEqual(['lib/core/compose.ts'])
  })

  it('of the library never go through its own package name', () => {
    const own = sources.filter(
      file => file.startsWith('lib/') && importsOf(file).some(({ specifier }) => /^outrigger(\/|$)/.test(specifier)),
    )
    expect(own.filter(file => rankOf(partOf(file)) < rankOf('lib/fleet'))).toEqual([])
  })
})

describe('a layer', () => {
  const files = sourceFiles('middleware')

  it('imports only what a stranger could import: package names, and other layers', () => {
    const inside = files.flatMap(file => importsOf(file).map(({ specifier, file: to }) => ({ file, specifier, to })))
    expect(inside.filter(({ specifier, to }) => specifier.startsWith('.') && !to?.startsWith('middleware/'))).toEqual([])
  })

  it('and its file have one name', () => {
    const layers = files.filter(file => /^middleware\/with-[^/]+\.ts$/.test(file))
    const nameOf = (file: string): string => basename(file, '.ts').replace(/-([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())
    expect(layers.filter(file => !new RegExp(`^export function ${nameOf(file)}\\b`, 'm').test(codeOf(file)))).toEqual([])
  })
})

describe('a preset', () => {
  it('imports package names only', () => {
    const files = sourceFiles('presets').filter(file => !file.includes('/test/'))
    const relatives = files
      .flatMap(file => importsOf(file).map(({ specifier }) => ({ file, specifier })))
      .filter(({ specifier }) => specifier.startsWith('.'))
    expect(relatives).toEqual([])
  })
})

describe('file names', () => {
  const all = [...sources, ...sourceFiles('presets'), ...sourceFiles('test')]

  it('are kebab-case', () => {
    expect(all.filter(file => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|types))*\.ts$/.test(basename(file)))).toEqual([])
  })

  it('say what is in them: no utils, helpers, common or manager', () => {
    expect(all.filter(file => /(^|[/-])(utils?|helpers?|common|managers?|misc)([/.-]|$)/.test(file))).toEqual([])
  })
})

describe('lib and middleware', () => {
  it('have no default export', () => {
    expect(sources.filter(file => /^export default\b/m.test(codeOf(file)))).toEqual([])
  })

  it('have a test that mirrors every layer', () => {
    const layers = sourceFiles('middleware').filter(file => /^middleware\/with-[^/]+\.ts$/.test(file))
    expect(layers.filter(file => !existsSync(join(root, 'test', file.replace(/\.ts$/, '.test.ts'))))).toEqual([])
  })
})
