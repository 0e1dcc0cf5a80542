import { guardedFiles, rules } from 'outrigger/policy'

/** Says what comes of opening files in a workspace in which something is mounted. */
async function main(root: string): Promise<void> {
  const open = async (path: string, read: readonly string[]) => {
    try {
      const handle = await guardedFiles([rules.files({ read, root })]).open(path)
      return await handle.readFile('utf8')
    } catch (error) {
      return (error as { details?: string }).details ?? String(error)
    }
  }
  const found: Record<string, string> = {}
  for (const path of ['src/plain', 'src/a', 'src/deep/a']) found[path] = await open(path, ['src'])
  found.listed = await open('src/deep/a', ['src', 'src/deep'])
  process.stdout.write(JSON.stringify(found))
}

void main(process.argv[2]!)
