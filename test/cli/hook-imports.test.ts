import { codeOf, importsOf } from '../architecture/source-files.js'

/** Everything that is loaded with these files: types, and what `import()` asks for later, are no part of it. */
function loaded(entries: readonly string[]): { readonly files: ReadonlySet<string>; readonly packages: ReadonlySet<string> } {
  const files = new Set<string>()
  const packages = new Set<string>()
  const todo = [...entries]
  for (let file = todo.pop(); file; file = todo.pop()) {
    if (files.has(file)) continue
    files.add(file)
    for (const { specifier, file: target } of atOnce(file)) {
      if (target) todo.push(target)
      else packages.add(specifier)
    }
  }
  return { files, packages }
}

function atOnce(file: string) {
  const code = codeOf(file)
  return importsOf(file).filter(({ specifier, typeOnly }) => !typeOnly && !code.includes(`import('${specifier}')`))
}

describe('what outrigger hook loads', () => {
  it('is nothing but parts of node and few files: a client waits for it at every call', () => {
    const { files, packages } = loaded(['lib/cli/bin.ts', 'lib/cli/hook.ts'])
    expect([...packages].filter(name => !name.startsWith('node:'))).toEqual([])
    expect(files).toContain('lib/cli/hook/ask-companion.ts')
    expect(files.size).toBeLessThan(30)
  })

  it('would be seen if it were more', () => {
    expect([...loaded(['lib/server/create-server.ts']).packages]).toContain('@hono/node-server')
  })
})
