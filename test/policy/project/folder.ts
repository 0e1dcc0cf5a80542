import { mkdtempSync, realpathSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder of its own for each test, removed after it. */
export function scratch(): { readonly path: string; write(name: string, content: unknown): string } {
  const folder = { path: '', write }
  beforeEach(() => {
    folder.path = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-policy-')))
  })
  afterEach(() => rmSync(folder.path, { recursive: true, force: true }))

  function write(name: string, content: unknown): string {
    const file = join(folder.path, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o644 })
    return file
  }
  return folder
}
