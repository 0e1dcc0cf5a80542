import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder with files, whose names may have folders in them. */
export function treeWith(files: Readonly<Record<string, string>>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-stack-')))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/** Imports these modules by the last part of their URL or name, in place of what a path or `import()` would find. */
export function importing(modules: Readonly<Record<string, object>>) {
  const asked: string[] = []
  const importModule = async (url: string): Promise<unknown> => {
    asked.push(url)
    const found = Object.entries(modules).find(([name]) => url.endsWith(name))
    if (found) return found[1]
    throw Object.assign(new Error(`Cannot find package '${url}' imported from here`), { code: 'ERR_MODULE_NOT_FOUND' })
  }
  return { importModule, asked }
}
