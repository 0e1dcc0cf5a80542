import { execFile } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { documents, fencesOf } from '../docs/documents.js'
import { loopbackRegistry } from './loopback-registry.js'
import { makeTarball, manifestOf, node, publint, root, typeProblems } from './packed.js'

const presets = readdirSync(join(root, 'presets')).filter(name => existsSync(join(root, 'presets', name, 'package.json')))
const packageOf = (preset: string) => `outrigger-preset-${preset}`
/** What a module of its own calls it: `claudeCode`. */
const exportOf = (preset: string) => preset.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

let project: string
const tarballs = new Map<string, string>()

/** npm as a stranger has it: without our .npmrc, our cache or a proxy. */
async function npm(args: readonly string[], home: string): Promise<void> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) && !/_proxy$/i.test(name)))
  const settings = { npm_config_cache: join(home, 'cache'), npm_config_userconfig: join(home, 'npmrc'), npm_config_loglevel: 'error' }
  const started = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm']
  await promisify(execFile)(started[0]!, [...started.slice(1), ...args], { cwd: project, env: { ...env, ...settings } })
}

beforeAll(async () => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-presets-')))
  project = join(home, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true }))
  const library = makeTarball(home)
  for (const preset of presets) tarballs.set(preset, makeTarball(home, `presets/${preset}`))
  const registry = await loopbackRegistry()
  try {
    const wanted = [library, ...tarballs.values(), '@anthropic-ai/sdk', '@types/node']
    await npm(['install', '--registry', registry.url, '--ignore-scripts', '--no-audit', '--no-fund', ...wanted], home)
  } finally {
    await registry.close()
  }
}, 300_000)

const installed = (name: string) => join(project, 'node_modules', name)

describe('npm install of the tarballs', () => {
  it('puts the presets beside one copy of the library', () => {
    const names = ['outrigger', ...presets.map(packageOf)]
    expect(names.filter(name => !lstatSync(installed(name)).isDirectory())).toEqual([])
    expect(presets.filter(preset => existsSync(join(installed(packageOf(preset)), 'node_modules')))).toEqual([])
  })

  it('is what the project’s package.json then asks for', () => {
    expect(Object.keys(manifestOf(project).dependencies).sort()).toEqual(
      ['@anthropic-ai/sdk', '@types/node', 'outrigger', ...presets.map(packageOf)].sort(),
    )
  })
})

/** Every layer that shows something, with what it shows. */
const shown = ['health', 'verify', 'publicKey', 'violations', 'utilization', 'metrics', 'budget']

/** Runs a send through the preset and prints what came of it. */
const body = (preset: string): string => `
const mock = mockModel().reply('Done.')
const sidecar = createSidecar({
  agent: claudeAgent({ model: 'claude-haiku-4-5' }),
  use: ${exportOf(preset)}(),
  claude: { upstream: mock.upstream },
})
const work = async () => {
  const reply = await sidecar.send('Go.')
  const { verdict } = await sidecar.verify()
  const members = ${JSON.stringify(shown)}.filter(name => name in sidecar)
  const { status } = sidecar.health()
  console.log(JSON.stringify({ reply, verdict, status, members, calls: sidecar.metrics.calls, same: byName === ${exportOf(preset)} }))
  await sidecar.close()
}
work()
`
const printed = `${JSON.stringify({ reply: 'Done.', verdict: 'ok', status: 'healthy', members: shown, calls: 1, same: true })}\n`

const imports = (preset: string): string => `
import { createSidecar } from 'outrigger'
import { claudeAgent } from 'outrigger/claude'
import { mockModel } from 'outrigger/testing'
import ${exportOf(preset)}, { ${exportOf(preset)} as byName } from '${packageOf(preset)}'
`

describe.each(presets)('%s, installed', preset => {
  const write = (name: string, text: string) => writeFileSync(join(project, name), text)
  const works = { code: 0, stdout: printed, stderr: '' }

  it('runs as ESM', async () => {
    write(`${preset}.mjs`, imports(preset) + body(preset))
    expect(await node([`${preset}.mjs`], project)).toEqual(works)
  })

  it('runs as CommonJS', async () => {
    const requires = `
const { createSidecar } = require('outrigger')
const { claudeAgent } = require('outrigger/claude')
const { mockModel } = require('outrigger/testing')
const { default: ${exportOf(preset)}, ${exportOf(preset)}: byName } = require('${packageOf(preset)}')
`
    write(`${preset}.cjs`, requires + body(preset))
    expect(await node([`${preset}.cjs`], project)).toEqual(works)
  })

  it.each(['mts', 'cts'])('compiles as TypeScript (.%s) with the members of its layers, and runs', async extension => {
    const types = `
export const spent: number | 'unlimited' = sidecar.budget.nanoUsd === 'unlimited' ? 'unlimited' : sidecar.budget.nanoUsd.spent
export const facts: readonly [number, number, string] = [sidecar.utilization, sidecar.violations.length, sidecar.publicKey]
const poor = createSidecar({ agent: claudeAgent({ model: 'claude-haiku-4-5' }), use: ${exportOf(preset)}({ withBudget: false }) })
// @ts-expect-error switched off
poor.budget
// @ts-expect-error a misspelt layer
const misspelt = () => ${exportOf(preset)}({ withBugdet: { usd: 1 } })
// @ts-expect-error a misspelt option
const wrong = () => ${exportOf(preset)}({ withBudget: { uds: 1 } })
`
    const file = `${preset}-types.${extension}`
    write(file, imports(preset) + body(preset) + types)
    expect(await typeErrors(file)).toEqual([])
    expect(await node([join('out', file.replace(/ts$/, 'js'))], project)).toEqual(works)
  })

  const typeErrors = async (file: string): Promise<readonly string[]> => {
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2023', 'dom', 'dom.iterable', 'esnext.disposable'],
      outDir: 'out',
      types: ['node'],
    }
    write(`${file}.json`, JSON.stringify({ compilerOptions, files: [file] }))
    const { stdout } = await node([join(root, 'node_modules/typescript/bin/tsc'), '-p', `${file}.json`, '--pretty', 'false'], project)
    return stdout.split('\n').filter(line => /^(node_modules\/outrigger|[\w-]+\.[mc]ts|error)/.test(line))
  }
})

describe('docs/writing-presets.md', () => {
  const fences = fencesOf(documents().find(({ name }) => name === 'docs/writing-presets.md')!)

  it('has commands that build a package of one’s own, which then loads as ESM and as CommonJS', async () => {
    const own = join(project, 'own')
    mkdirSync(own)
    writeFileSync(join(own, 'index.ts'), readFileSync(join(root, 'presets/jake/index.ts')))
    writeFileSync(join(own, 'package.json'), fences.find(({ info }) => info === 'json')!.code)
    const commands = fences.find(({ code }) => code.startsWith('npx tsc'))!
    const tsc = `"${process.execPath}" "${join(root, 'node_modules/typescript/bin/tsc')}"`
    await promisify(execFile)('sh', ['-ec', commands.code.replaceAll('npx tsc', tsc)], { cwd: own })
    const script =
      "console.log(require('outrigger-preset-jake').jake.layers.length, (await import('outrigger-preset-jake')).default.layers.length)"
    expect(await node(['-e', `(async () => { ${script} })()`], own)).toEqual({ code: 0, stdout: '8 8\n', stderr: '' })
    expect(await node(['-e', "console.log(require.resolve('outrigger-preset-jake'))"], own)).toMatchObject({
      stdout: `${join(own, 'dist/cjs/index.js')}\n`,
    })
  })
})

describe.each(presets)('the tarball of %s', preset => {
  const folder = () => installed(packageOf(preset))
  const files = () =>
    readdirSync(folder(), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => relative(folder(), join(entry.parentPath, entry.name)))
      .sort()

  it('holds what is used and nothing else', () => {
    const built = ['cjs', 'esm'].flatMap(format => ['index.d.ts', 'index.js', 'package.json'].map(name => join('dist', format, name)))
    expect(files()).toEqual(['LICENSE', 'README.md', ...built, 'package.json'])
  })

  it('is small', () => {
    expect(statSync(tarballs.get(preset)!).size).toBeLessThan(10_000)
  })

  it('imports package names only, in its types too', () => {
    const sources = files().filter(file => /\.(js|d\.ts)$/.test(file))
    const names = sources.flatMap(file =>
      [...readFileSync(join(folder(), file), 'utf8').matchAll(/(?:from |require\(|import\()["']([^"']+)["']/g)].map(match => match[1]!),
    )
    expect([...new Set(names)].filter(name => !/^outrigger(\/\w+)?$/.test(name))).toEqual([])
    expect(names).toContain('outrigger')
  })

  it('names the library as a peer of the version that it was made with, and nothing of our checkout', () => {
    const { version } = manifestOf(root)
    const manifest = manifestOf(folder())
    expect(manifest).toMatchObject({ version, peerDependencies: { outrigger: `^${version}` }, engines: manifestOf(root).engines })
    expect(manifest).not.toHaveProperty('dependencies')
    expect(manifest).not.toHaveProperty('devDependencies')
    expect(JSON.stringify(manifest.exports)).not.toContain('outrigger-source')
  })

  it('has our licence', () => {
    expect(readFileSync(join(folder(), 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'))
  })

  it('has types that are not wrong, says attw', async () => {
    expect(await typeProblems(tarballs.get(preset)!, project)).toEqual([])
  })

  it('has nothing to complain about, says publint', async () => {
    expect(await publint(tarballs.get(preset)!, project)).toEqual({ code: 0, said: expect.stringContaining('All good!') })
  })
})
