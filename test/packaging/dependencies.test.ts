import { isBuiltin } from 'node:module'
import { importsOf, sourceFiles } from '../architecture/source-files.js'
import { manifestOf, root } from './packed.js'

/** The direct runtime dependencies that this package may ever have. Each new one is a decision, made here. */
const allowed = ['@hono/node-server', 'ajv', 'hono', 'ipaddr.js', 'koa-compose', 'pino', 'tiktoken', 'tweetnacl', 'unbash', 'undici']

/** Development packages that a command loads lazily, and says so when they are missing: the scripted Messages API of `outrigger start`. */
const scripted = ['@copilotkit/aimock']

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

const imported = [...sourceFiles('lib'), ...sourceFiles('middleware')].flatMap(file =>
  importsOf(file)
    .filter(({ specifier }) => !specifier.startsWith('.') && !isBuiltin(specifier) && packageOf(specifier) !== 'outrigger')
    .map(({ specifier, typeOnly }) => ({ file, name: packageOf(specifier), typeOnly })),
)

describe('dependencies', () => {
  const { dependencies, peerDependencies, devDependencies } = manifestOf(root)

  it('are on the list of those allowed', () => {
    expect(Object.keys(dependencies).filter(name => !allowed.includes(name))).toEqual([])
  })

  it('are exact versions', () => {
    expect(Object.values({ ...dependencies, ...devDependencies }).filter(range => !/^\d+\.\d+\.\d+(-[\w.]+)?$|^file:/.test(range))).toEqual(
      [],
    )
  })

  it('are all used by the sources', () => {
    expect(Object.keys(dependencies).filter(name => !imported.some(use => use.name === name))).toEqual([])
  })

  it('are declared: the sources import nothing else', () => {
    const declared = [...Object.keys(dependencies), ...Object.keys(peerDependencies)]
    const undeclared = imported.filter(
      ({ name, file }) => !declared.includes(name) && !(scripted.includes(name) && file.startsWith('lib/cli/')),
    )
    expect(undeclared).toEqual([])
  })
})
