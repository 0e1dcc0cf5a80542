// Compiles lib and middleware twice, ESM and CommonJS, into dist; then the presets. A failed build leaves the last good dist alone.
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { alone } from './build-lock.mjs'
import { buildPresets, presetsFresh } from './build-presets.mjs'
import { at, filesBelow, isMain, readJson, root, runTool, say } from './project.mjs'

const formats = { esm: 'module', cjs: 'commonjs' }
const stampFile = at('dist/.stamp')

/** A digest of everything that the build depends on. */
function sourceDigest() {
  const configs = ['package.json', 'tsconfig.json', 'tsconfig.esm.json', 'tsconfig.cjs.json', 'scripts/build.mjs'].map(name => at(name))
  const hash = createHash('sha256').update(readJson(at('node_modules/typescript/package.json')).version)
  for (const file of [...configs, ...filesBelow(at('lib')), ...filesBelow(at('middleware'))])
    hash.update(`${relative(root, file)}\0`).update(readFileSync(file))
  return hash.digest('hex')
}

/** Is dist what the sources say? */
const fresh = digest => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === digest

/** What package.json exports, in one format: 'outrigger/claude' → 'lib/claude/index.js'. */
function entriesOf(format) {
  const side = format === 'esm' ? 'import' : 'require'
  const own = Object.entries(readJson(at('package.json')).exports).filter(([, target]) => typeof target === 'object')
  return new Map(own.map(([path, target]) => [`outrigger${path.slice(1)}`, target[side].default.replace(`./dist/${format}/`, '')]))
}

/**
 * A layer imports 'outrigger', as a stranger would. Compiled, it meets the copy of its own format by its path: in a checkout, and under
 * any name that the package was installed by.
 */
function linkOwnName(format, folder) {
  const entries = entriesOf(format)
  for (const file of filesBelow(folder).filter(name => /\.(js|d\.ts)$/.test(name))) {
    const text = readFileSync(file, 'utf8')
    const linked = text.replace(
      /(\bfrom\s*|\brequire\(\s*|\bimport\(\s*|\bimport\s+)(['"])(outrigger(?:\/[\w/-]+)?)\2/g,
      (all, before, quote, name) =>
        entries.has(name) ? `${before}${quote}${pathBetween(file, join(folder, entries.get(name)))}${quote}` : all,
    )
    if (linked !== text) writeFileSync(file, linked)
  }
}

/** Packages that are ESM only: CommonJS reaches them by a native import(), which the compiler turns into a require(). */
const esmOnly = ['unbash']

function keepNativeImports(folder) {
  for (const file of filesBelow(folder).filter(name => name.endsWith('.js'))) {
    const text = readFileSync(file, 'utf8')
    const native = text.replace(
      /Promise\.resolve\(\)\.then\(\(\) => (?:__importStar\()?require\((['"])([\w@/.-]+)\1\)\)?\)/g,
      (all, quote, name) => (esmOnly.includes(name) ? `import(${quote}${name}${quote})` : all),
    )
    if (esmOnly.some(name => native.includes(`require("${name}")`) || native.includes(`require('${name}')`)))
      throw new Error(`${file} requires a package that is ESM only; load it by import()`)
    if (native !== text) writeFileSync(file, native)
  }
}

function pathBetween(from, to) {
  const path = relative(dirname(from), to).replaceAll('\\', '/')
  return path.startsWith('.') ? path : `./${path}`
}

function compile(format, folder) {
  const outDir = join(folder, format)
  const code = runTool('typescript/bin/tsc', ['-p', `tsconfig.${format}.json`, '--outDir', outDir])
  if (code !== 0) throw new Error(`tsc found errors in the ${format} build; correct them and try again`)
  linkOwnName(format, outDir)
  if (format === 'cjs') keepNativeImports(outDir)
  writeFileSync(join(outDir, 'package.json'), `${JSON.stringify({ type: formats[format] })}\n`)
}

function makeExecutable(folder) {
  for (const path of Object.values(readJson(at('package.json')).bin ?? {})) {
    const file = join(folder, path.replace(/^(\.\/)?dist\//, ''))
    if (existsSync(file)) chmodSync(file, 0o755)
  }
}

/** Builds what has changed since the last time. @throws Error when it does not compile. */
export function build() {
  const digest = sourceDigest()
  if (fresh(digest) && presetsFresh(digest)) return
  alone(() => {
    if (!fresh(digest)) buildLibrary(digest)
    if (!presetsFresh(digest)) buildPresets(digest)
  })
}

function buildLibrary(digest) {
  say('building …')
  const folder = at('node_modules/.cache/outrigger', `dist-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  try {
    for (const format of Object.keys(formats)) compile(format, folder)
    makeExecutable(folder)
    writeFileSync(join(folder, '.stamp'), digest)
    rmSync(at('dist'), { recursive: true, force: true })
    renameSync(folder, at('dist'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (isMain(import.meta.url)) build()
