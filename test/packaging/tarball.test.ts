import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Manifest, manifestOf, node, type Packed, pack, publint, root, typeProblems } from './packed.js'

const entries = Object.entries(manifestOf(root).exports)
  .filter(([, target]) => typeof target === 'object')
  .map(([path]) => `outrigger${path.slice(1)}`)

let packed: Packed
beforeAll(() => {
  packed = pack()
}, 120_000)

const files = (): string[] =>
  readdirSync(packed.folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(packed.folder, join(entry.parentPath, entry.name)))

describe('every entry loads alone, first', () => {
  const namesByImport = (entry: string) =>
    node(['--input-type=module', '-e', `console.log(JSON.stringify(Object.keys(await import(${JSON.stringify(entry)}))))`], packed.project)
  const namesByRequire = (entry: string) =>
    node(['-e', `console.log(JSON.stringify(Object.keys(require(${JSON.stringify(entry)}))))`], packed.project)
  const sorted = ({ stdout }: { stdout: string }) => (JSON.parse(stdout) as string[]).filter(name => name !== '__esModule').sort()

  it.each(entries)('%s, as ESM and as CommonJS, with the same names', async entry => {
    const [esm, cjs] = await Promise.all([namesByImport(entry), namesByRequire(entry)])
    expect([esm.stderr, cjs.stderr]).toEqual(['', ''])
    expect(sorted(esm)).not.toEqual([])
    expect(sorted(cjs)).toEqual(sorted(esm))
  })

  it('and the ESM and the CommonJS copy know each other', async () => {
    const script = `
      import { createRequire } from 'node:module'
      import * as esm from 'outrigger'
      const cjs = createRequire(import.meta.url)('outrigger')
      console.log(esm.ConfigError !== cjs.ConfigError, esm.isOutriggerError(new cjs.ConfigError('x')), cjs.isOutriggerError(new esm.ConfigError('x')))`
    expect(await node(['--input-type=module', '-e', script], packed.project)).toEqual({ code: 0, stdout: 'true true true\n', stderr: '' })
  })
})

describe('a package that is ESM only', () => {
  const judging = `judge([rules.commands({ deny: ['rm'] })], { kind: 'tool', name: 'Bash', input: { command: 'ls | rm x' } }).then(({ details }) => console.log(details))`

  it.each([
    ['ESM', ['--input-type=module', '-e', `import { judge, rules } from 'outrigger/policy'; ${judging}`]],
    ['CommonJS', ['-e', `const { judge, rules } = require('outrigger/policy'); ${judging}`]],
  ])('is loaded from %s when it is needed', async (_format, args) => {
    expect(await node(args, packed.project)).toEqual({ code: 0, stdout: 'command "rm" is denied\n', stderr: '' })
  })
})

describe('the command', () => {
  const command = (...args: string[]) => node([join(packed.folder, packed.manifest.bin.outrigger!), ...args], packed.project)

  it('can be executed', () => {
    const file = join(packed.folder, packed.manifest.bin.outrigger!)
    expect(readFileSync(file, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    expect(statSync(file).mode & 0o111).toBe(0o111)
  })

  it('tells its version', async () => {
    expect(await command('--version')).toEqual({ code: 0, stdout: `${packed.manifest.version}\n`, stderr: '' })
  })

  it('imports a configuration that is a module', async () => {
    writeFileSync(join(packed.project, 'outrigger.config.mjs'), 'export default { budget: { usd: 1 + 1 } }\n')
    const { code, stdout } = await command('check', '--json')
    expect({ code, config: JSON.parse(stdout).config }).toEqual({ code: 0, config: { budget: { usd: 2 } } })
  })

  it('is there as actx too, for CTX and the record', async () => {
    const file = join(packed.folder, packed.manifest.bin.actx!)
    expect(statSync(file).mode & 0o111).toBe(0o111)
    expect(await node([file, 'translate', '+m decision #arch "Use PASETO"'], packed.project)).toEqual({
      code: 0,
      stdout: 'Stored architecture decision: Use PASETO\n',
      stderr: '',
    })
    expect((await node([file, 'trnslate'], packed.project)).stderr).toBe('actx: unknown command "trnslate"; did you mean translate?\n')
  })

  it('ends with 2 for wrong use', async () => {
    expect(await command('chekc')).toEqual({ code: 2, stdout: '', stderr: 'outrigger: unknown command "chekc"; did you mean check?\n' })
  })
})

describe('actx as a process', () => {
  const file = () => join(packed.folder, packed.manifest.bin.actx!)
  const actx = (...args: readonly string[]) => node([file(), ...args], packed.project)

  /** A line of a shell in which `actx` is the command. */
  const shell = (line: string) => {
    const script = `set -o pipefail; actx() { "${process.execPath}" "${file()}" "$@"; }; ${line}`
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: packed.project, encoding: 'utf8', maxBuffer: 2 ** 26 })
    return { code: status, stdout, stderr }
  }

  it('writes from many processes at once, loses nothing, and does not multiply its logs', async () => {
    await actx('init')
    for (let round = 0; round < 2; round++) {
      const written = await Promise.all(Array.from({ length: 8 }, (_, n) => actx('query', `+m note round=${round} n=${n}`)))
      expect(written.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(8).fill({ code: 0, stderr: '' }))
    }
    const { records } = JSON.parse((await actx('log', '--json')).stdout)
    const events = records.flatMap(({ ctx }: { readonly ctx: string }) => /event="(\w+)"/.exec(ctx)?.[1] ?? [])
    expect(records.length - events.length).toBe(16)
    expect(new Set(events)).toEqual(new Set(['opened']))
    expect(readdirSync(join(packed.project, '.context/log')).length).toBeLessThanOrEqual(8)
    expect((await actx('verify', '--save', 'kept', '--allow-unanchored')).code).toBe(0)
    expect((await actx('verify', '--checkpoint', 'kept')).stdout).toMatch(/^ok$/m)
  })

  it('is piped into git', () => {
    expect(
      shell('git init -q --bare r && actx git | git -C r fast-import --quiet && git -C r fsck --strict && git -C r rev-list ctx | wc -l'),
    ).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ *(1[7-9]|2[0-4])\n$/),
    })
  })

  it('reads statements from a pipe', () => {
    expect(shell("printf '?k auth\\r\\n-m old\\r\\n' | actx translate --batch -")).toEqual({
      code: 0,
      stdout: 'Searched knowledge for "auth"\nDeleted memory "old"\n',
      stderr: '',
    })
    expect(shell('actx translate --batch - < /dev/null').stderr).toBe(
      'actx: there is no statement in standard input; it holds one a line\n',
    )
  })

  it('ends quietly where its reader has enough', () => {
    writeFileSync(join(packed.project, 'many.ctx'), '?k auth\n'.repeat(50_000))
    for (const command of ['translate --batch many.ctx', 'log', 'git'])
      expect(shell(`actx ${command} | head -c 20`)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^.{20}$/s), stderr: '' })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('ends with 130 at %s, while it follows and while it waits for statements', async signal => {
    const started = (...args: readonly string[]) => {
      const child = spawn(process.execPath, [file(), ...args], { cwd: packed.project, stdio: ['pipe', 'pipe', 'pipe'] })
      const said: string[] = []
      child.stderr.on('data', chunk => said.push(`${chunk}`))
      const ended = new Promise(resolve => child.on('close', code => resolve({ code, said: said.join('') })))
      return { child, ended }
    }
    const follower = started('log', '--follow')
    follower.child.stdout.once('data', () => follower.child.kill(signal))
    expect(await follower.ended).toEqual({ code: 130, said: '' })

    const reader = started('translate', '--batch', '-')
    // More than a pipe holds: when it is gone, somebody reads.
    reader.child.stdin.write('?k auth\n'.repeat(2 ** 18), () => reader.child.kill(signal))
    expect(await reader.ended).toEqual({ code: 130, said: `actx: stopped by ${signal}\n` })
  })
})

describe('the types', () => {
  const consumer = entries.map((entry, i) => `import * as e${i} from '${entry}'\nexport const v${i}: object = e${i}\n`).join('')
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    module: 'nodenext',
    moduleResolution: 'nodenext',
    target: 'es2022',
    lib: ['es2023', 'dom', 'dom.iterable', 'esnext.disposable'],
    noEmit: true,
    types: ['node'],
  }

  it('check in a project of either format that checks libraries too', async () => {
    writeFileSync(join(packed.project, 'esm.mts'), consumer)
    writeFileSync(join(packed.project, 'cjs.cts'), consumer)
    writeFileSync(join(packed.project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['esm.mts', 'cjs.cts'] }))
    const { stdout } = await node([join(root, 'node_modules/typescript/bin/tsc'), '-p', '.', '--pretty', 'false'], packed.project)
    const ours = stdout.split('\n').filter(line => /^(node_modules\/outrigger\/|(esm|cjs)\.[mc]ts|error)/.test(line))
    expect(ours).toEqual([])
  })

  it('are not wrong, says attw', async () => {
    expect(await typeProblems(packed.tarball, packed.project)).toEqual([])
  })
})

describe('the tarball', () => {
  it('has nothing to complain about, says publint', async () => {
    expect(await publint(packed.tarball, packed.project)).toEqual({ code: 0, said: expect.stringContaining('All good!') })
  })

  it('holds what is used and nothing else', () => {
    const allowed =
      /^(dist\/(esm|cjs)\/(package\.json|(lib|middleware)\/.+\.(js|d\.ts))|docs\/.+\.(md|svg|png)|docs\/outrigger\.config\.schema\.json|README\.md|LICENSE|CHANGELOG\.md|package\.json)$/
    expect(files().filter(file => !allowed.test(file) || /(^|\/)(test|tests|\.env.*)(\/|$)|\.test\./.test(file))).toEqual([])
    expect(files()).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md']))
  })

  it('names no path of the machine that made it, and holds no key', () => {
    const secrets = /-----BEGIN [A-Z ]*PRIVATE KEY-----|sk-ant-[a-z0-9]{4,}-[\w-]{20,}/
    const telling = files().filter(file => {
      const text = readFileSync(join(packed.folder, file), 'utf8')
      return text.includes(root) || secrets.test(text)
    })
    expect(telling).toEqual([])
  })

  it('is small', () => {
    expect(statSync(packed.tarball).size).toBeLessThan(1_150_000)
  })

  it('does not show the condition that is for our own checkout', () => {
    expect(JSON.stringify(packed.manifest.exports)).not.toContain('outrigger-source')
  })

  it('runs nothing when it is installed', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare']
    expect(Object.keys(packed.manifest.scripts).filter(name => hooks.includes(name))).toEqual([])
  })
})

describe('the published package.json', () => {
  it('is ours without that condition', async () => {
    const script = `
      import { readFileSync } from 'node:fs'
      import { publishedManifest } from ${JSON.stringify(join(root, 'scripts/manifest.mjs'))}
      const manifest = JSON.parse(readFileSync(${JSON.stringify(join(root, 'package.json'))}, 'utf8'))
      console.log(JSON.stringify(publishedManifest(manifest)))`
    const { stdout } = await node(['--input-type=module', '-e', script], root)
    const published = JSON.parse(stdout) as Manifest
    expect({ ...published, exports: 0 }).toEqual({ ...manifestOf(root), exports: 0 })
    expect(Object.keys(published.exports)).toEqual(Object.keys(manifestOf(root).exports))
  })
})
