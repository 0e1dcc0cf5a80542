import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

/** The root of the checkout. */
export const root = join(__dirname, '../..')

/** What a package.json holds, as far as these tests look. */
export interface Manifest {
  readonly version: string
  readonly engines: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | object>>
  readonly bin: Readonly<Record<string, string>>
  readonly files: readonly string[]
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** The package as a user gets it: packed, extracted, installed in a project of its own. */
export interface Packed {
  readonly tarball: string
  /** A project with the package and what it needs in its node_modules. */
  readonly project: string
  /** The extracted package. */
  readonly folder: string
  readonly manifest: Manifest
}

/** Reads a package.json. */
export const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** Packs the library, or a preset by its folder, into a folder. Returns the tarball's path. */
export function makeTarball(into: string, source = '.'): string {
  const args = ['scripts/pack.mjs', into, source]
  return execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

/** Packs the package and installs it, without the registry: what it needs is linked from our node_modules. */
export function pack(): Packed {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-packed-')))
  const tarball = makeTarball(project)
  const folder = join(project, 'node_modules/outrigger')
  mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'])
  const manifest = manifestOf(folder)
  for (const name of [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies), '@types/node']) link(name, project)
  return { tarball, project, folder, manifest }
}

function link(name: string, project: string): void {
  const place = join(project, 'node_modules', name)
  mkdirSync(dirname(place), { recursive: true })
  symlinkSync(join(root, 'node_modules', name), place)
}

/** How a program ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs Node with these arguments in a folder; an exit code other than 0 is a result, not an error. */
export async function node(args: readonly string[], cwd: string): Promise<Ended> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [...args], { cwd, maxBuffer: 2 ** 26 })) }
  } catch (error) {
    const { code, stdout, stderr } = error as Ended
    return { code, stdout, stderr }
  }
}

/** What attw says of a tarball's types, without what Node 10 would have. */
export async function typeProblems(tarball: string, cwd: string): Promise<readonly object[]> {
  const args = [tarball, '--format', 'json', '--profile', 'node16', '--exclude-entrypoints', './package.json', '--no-definitely-typed']
  const { stdout } = await node([join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js'), ...args], cwd)
  const { problems } = JSON.parse(stdout) as {
    problems: Readonly<Record<string, readonly { entrypoint?: string; resolutionKind?: string }[]>>
  }
  const found = Object.entries(problems).flatMap(([kind, list]) => list.map(problem => ({ kind, ...problem })))
  return found.filter(({ resolutionKind }) => resolutionKind !== 'node10')
}

/** What publint says of a tarball. */
export async function publint(tarball: string, cwd: string): Promise<{ readonly code: number; readonly said: string }> {
  const { code, stdout, stderr } = await node([join(root, 'node_modules/publint/src/cli.js'), 'run', tarball, '--strict'], cwd)
  return { code, said: `${stdout}${stderr}` }
}
