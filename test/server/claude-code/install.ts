import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The version that is installed: what the proof says holds for this one. */
export const version = '2.1.197'

const folder = join(__dirname, '../../../node_modules/.cache/outrigger', `claude-code-${version}`)
const call = promisify(execFile)

/**
 * The folder with the program `claude`. Installs Claude Code from the npm registry on first use, without running scripts of other packages.
 * @throws Error when it cannot be installed, or is not the version asked for: a proof without it proves nothing
 */
export async function claudeCode(): Promise<string> {
  const bin = join(folder, 'node_modules/.bin')
  if (!existsSync(join(folder, 'ready'))) await install()
  const { stdout } = await call(join(bin, 'claude'), ['--version'], { env: { PATH: process.env.PATH, HOME: folder } })
  if (!stdout.startsWith(version)) throw new Error(`claude says it is ${stdout.trim()}, not ${version}; remove ${folder}`)
  return bin
}

async function install(): Promise<void> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: { '@anthropic-ai/claude-code': version } }))
  process.stderr.write(`installing Claude Code ${version} …\n`)
  await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
  // Its own script alone: it puts the program of this platform where `claude` leads.
  await call(process.execPath, ['install.cjs'], { cwd: join(folder, 'node_modules/@anthropic-ai/claude-code') })
  writeFileSync(join(folder, 'ready'), readFileSync(join(folder, 'package-lock.json')))
}

/** The npm that started us, where it did. */
function npm(args: readonly string[]): Promise<unknown> {
  const script = process.env.npm_execpath
  const options = { cwd: folder, maxBuffer: 2 ** 26 }
  return script?.endsWith('.js') ? call(process.execPath, [script, ...args], options) : call('npm', [...args], options)
}
