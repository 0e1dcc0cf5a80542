import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ViolationError } from 'outrigger'
import { type GuardedFiles, guardedFiles, type OpenMode, rules } from 'outrigger/policy'
import { seeded } from '../../middleware/stack.js'
import { type AttackedTree, attackedTree, secret, startSwapping } from '../../policy/link-swapper.js'
import type { Proof } from '../proof.js'

const modes: readonly OpenMode[] = ['r', 'r', 'r+', 'w', 'a', 'wx']

/** What the system may answer of a path that another process moves about: nothing is there, something is there already, a part of it is no folder. */
const fair = ['ENOENT', 'EEXIST', 'ENOTDIR', 'ELOOP']

/** Opens one path and uses the handle; says what is wrong with what came of it. */
async function flaw(files: GuardedFiles, path: string, mode: OpenMode): Promise<string | undefined> {
  try {
    const handle = await files.open(path, mode)
    try {
      if (mode !== 'r') return void (await handle.write('fine'))
      return (await handle.readFile('utf8')).includes(secret) ? 'a secret was read' : undefined
    } finally {
      await handle.close()
    }
  } catch (error) {
    return error instanceof ViolationError || fair.includes((error as NodeJS.ErrnoException).code ?? '') ? undefined : String(error)
  }
}

/** What was changed outside of the workspace. */
function changes({ outside, secrets }: AttackedTree): readonly string[] {
  const found = ['', 'sub'].flatMap(folder =>
    readdirSync(join(outside, folder), { withFileTypes: true }).map(({ name }) => join(folder, name)),
  )
  const made = found.filter(name => name !== 'sub' && !secrets.includes(name)).map(name => `${name} was made outside`)
  return [
    ...made,
    ...secrets.filter(name => readFileSync(join(outside, name), 'utf8') !== secret).map(name => `${name} was changed outside`),
  ]
}

function reported(flaws: readonly string[], what: string): number {
  for (const found of flaws) process.stderr.write(`swapped, ${what}: ${found}\n`)
  return flaws.length
}

/** The rules stand before the attack begins: a folder that is listed is followed when its rule is made. */
export const proof: Proof = {
  group: 'policy',
  name: 'nothing outside is read, changed or made while another process exchanges files, folders, links and pipes',
  full: 200_000,
  small: 1_500,
  async run({ n, seed }) {
    const random = seeded(seed)
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
    const tree = attackedTree()
    const files = guardedFiles([rules.files({ read: ['src', 'moved'], write: ['out', 'moved', 'src/pipe'], root: tree.root })])
    const attacker = await startSwapping(tree)
    let failed = 0
    try {
      for (let tried = 0; tried < n; tried++) {
        const [path, mode] = [pick(tree.paths), pick(modes)]
        const found = await flaw(files, path, mode)
        if (found !== undefined) failed += reported([found], `${mode} of ${path}`)
      }
    } finally {
      await attacker.stop()
    }
    failed += reported(changes(tree), 'after all')
    tree.remove()
    return { tried: n, failed }
  },
}
