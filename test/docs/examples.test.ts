import { transformSync } from '@swc/core'
import { documents, type Fence, fencesOf } from './documents.js'

type Exports = Record<string, unknown>
type Case = () => unknown

const fences = documents()
  .flatMap(fencesOf)
  .filter(({ info }) => info === 'ts')

/** An example that brings its own model, or that judges by rules or is about CTX and asserts, runs as it stands: without a key, without a network. */
const runnable = fences.filter(
  ({ code }) => /from 'outrigger\/testing'/.test(code) || (/from 'node:assert/.test(code) && /from 'outrigger\/(policy|ctx)'/.test(code)),
)

const run = Object.getPrototypeOf(async () => {}).constructor as new (...names: string[]) => (...given: unknown[]) => Promise<void>

/** The fence of the same page that starts with `// file: NAME`. */
function fileOf(page: string, name: string): Fence {
  const found = fences.find(({ document, code }) => document === page && code.startsWith(`// file: ${name}\n`))
  if (!found) throw new Error(`${page} has no fence of the file ${name}`)
  return found
}

function compiled({ code }: Fence): string {
  return transformSync(code, { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } }).code
}

/** Runs an example, and then the cases that it gave to `node:test`. */
async function execute(fence: Fence): Promise<void> {
  const cases: Case[] = []
  await load(fence, cases)
  for (const one of cases) await one()
}

async function load(fence: Fence, cases: Case[]): Promise<Exports> {
  const files = new Map<string, Exports>()
  for (const [, name] of fence.code.matchAll(/from '\.\/([\w-]+)\.js'/g))
    files.set(`./${name}.js`, await load(fileOf(fence.document, `${name}.ts`), cases))
  const imported = (name: string): unknown => {
    if (name === 'node:test') return { test: (_name: string, work: Case) => void cases.push(work) }
    return files.get(name) ?? require(name)
  }
  const module = { exports: {} as Exports }
  await new run('require', 'module', 'exports', compiled(fence))(imported, module, module.exports)
  return module.exports
}

describe('an example that brings its own model', () => {
  it('is there', () => {
    expect(runnable).not.toHaveLength(0)
  })

  it.each(runnable.map(fence => [`${fence.document}:${fence.line}`, fence] as const))(
    '%s runs, and its assertions hold',
    async (_place, fence) => {
      await execute(fence)
    },
  )
})
