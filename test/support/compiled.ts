import { transformSync } from '@swc/core'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'

const root = join(__dirname, '../..')

/**
 * The sources as ES modules in a new folder, for a process of its own that needs no build: `outrigger/…` leads to them, and each program, a TypeScript
 * file of the tests, stands beside them as `<name>.js`. Whoever asks removes the folder.
 */
export function compiled(programs: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-compiled-'))
  for (const source of ['lib', 'middleware'])
    for (const file of filesIn(join(root, source))) compile(file, join(folder, relative(root, file)))
  for (const [name, file] of Object.entries(programs)) compile(file, join(folder, `${name}.ts`))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'outrigger', type: 'module', exports: entries() }))
  return folder
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))

function compile(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  if (from.endsWith('.ts')) transform(from, to)
  else cpSync(from, to)
}

function transform(from: string, to: string): void {
  const { code } = transformSync(readFileSync(from, 'utf8'), {
    configFile: false,
    swcrc: false,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'es6' },
  })
  writeFileSync(to.replace(/\.ts$/, '.js'), code)
}

function entries(): Readonly<Record<string, string>> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, { 'outrigger-source'?: string }>
  }
  return Object.fromEntries(
    Object.entries(exports).flatMap(([name, { 'outrigger-source': source }]) => (source ? [[name, source.replace(/\.ts$/, '.js')]] : [])),
  )
}
