import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { entries } from '../architecture/source-files.js'
import { documents, type Fence, fencesOf, root } from './documents.js'

const fences = documents().flatMap(fencesOf)
const typed = fences.filter(({ info }) => info === 'ts')

/** Below node_modules: ignored by git, by jest and by the linter, and near enough for packages to be found. */
const folder = join(root, 'node_modules/.cache/outrigger/docs')

const fileNamed = ({ code }: Fence): string | undefined => /^\/\/ file: (\S+\.ts)\s*\n/.exec(code)?.[1]

/** Each page has a folder, so that `// file: budget.ts` is `./budget.js` for the page's other fences. */
function pathOf(fence: Fence): string {
  return join(fence.document.replace(/\.md$/, ''), fileNamed(fence) ?? `line-${fence.line}.ts`)
}

/** Pushed down to its line in the page, so that the compiler's line is the page's. A fence is a module of its own. */
const sourceOf = ({ code, line }: Fence): string => `${'\n'.repeat(line - 1)}${code}\nexport {}\n`

function writeProject(): void {
  rmSync(folder, { recursive: true, force: true })
  const paths = Object.fromEntries([...entries()].map(([name, source]) => [name, [join(root, source)]]))
  const compilerOptions = {
    paths,
    declaration: false,
    isolatedDeclarations: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    noEmit: true,
    typeRoots: [join(root, 'node_modules/@types')],
  }
  const files = {
    'package.json': { type: 'module' },
    'tsconfig.json': {
      extends: join(root, 'tsconfig.json'),
      compilerOptions,
      include: [join(root, 'lib/*.d.ts')],
      files: typed.map(pathOf),
    },
  }
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content))
  for (const fence of typed) {
    const file = join(folder, pathOf(fence))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, sourceOf(fence))
  }
}

async function diagnostics(): Promise<readonly string[]> {
  writeProject()
  const args = [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(folder, 'tsconfig.json'), '--pretty', 'false']
  try {
    await promisify(execFile)(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 26 })
    return []
  } catch (error) {
    return (error as { stdout: string }).stdout.trim().split('\n')
  }
}

describe('every ts fence', () => {
  it('is there to be checked', () => {
    expect(typed.map(({ document }) => document)).toContain('README.md')
  })

  it('is marked ts and nothing else: nothing is left unchecked', () => {
    const evasive = fences.filter(({ info }) => info !== 'ts' && /^(ts|typescript|js|javascript|mjs|tsx)\b/.test(info))
    expect(evasive.map(({ document, line, info }) => `${document}:${line} ${info}`)).toEqual([])
  })

  it('names each file once in a page', () => {
    const paths = typed.map(pathOf)
    expect(paths.filter((path, at) => paths.indexOf(path) !== at)).toEqual([])
  })

  it('compiles against the sources', async () => {
    expect(await diagnostics()).toEqual([])
  }, 120_000)
})

describe('docs/writing-middleware.md', () => {
  it('ends its listings with the file that ships', () => {
    const last = typed.filter(({ document }) => document === 'docs/writing-middleware.md').at(-1)
    const name = last && fileNamed(last)
    const shipped =
      name && existsSync(join(root, 'middleware', name)) ? readFileSync(join(root, 'middleware', name), 'utf8') : 'a file of middleware/'
    expect(last?.code.replace(/^\/\/ file: .*\n/, '').trim()).toBe(shipped.trim())
  })
})
