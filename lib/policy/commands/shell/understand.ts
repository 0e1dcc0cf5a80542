import { shown } from '../../check-options.js'
import type { Run } from './analyse.js'
import { builtinOf } from './builtins.js'
import { interpreted } from './interpreted.js'
import { perilIn } from './peril.js'
import { baseName, runsOthers, tableName } from './programs.js'
import { isQuiet } from './quiet.js'
import { usualPath } from './tables/interpreters.js'
import { plain } from './tables/plain.js'
import { shortVersion, tellVersion } from './tables/runners.js'
import { taskOf } from './task.js'
import { isPlainWord, nothing, refusal, type Understood } from './understood.js'
import { wrapped } from './wrapped.js'

/** Programs that are looked into by a reader of their own, though they could run others. */
const readers: ReadonlySet<string> = new Set(['awk', 'gawk', 'mawk', 'nawk', 'man'])

/** What a command runs, as far as its name and its arguments tell. What no table knows is refused, or said to be unknown. */
export function understand(run: Run): Understood {
  const found = byTables(run)
  return found.refused === undefined && run.name.includes('/') ? asPath(run, found) : found
}

function byTables(run: Run): Understood {
  if (asksVersion(run)) return nothing
  return builtinOf(run) ?? wrapped(run) ?? interpreted(run) ?? taskOf(run) ?? byItself(run)
}

function asksVersion({ name, args }: Run): boolean {
  const text = args.length === 1 ? args[0]!.text : undefined
  if (text === undefined) return false
  const isLong = /^--(?:version|help)$/.test(text) && tellVersion.has(tableName(name, tellVersion))
  return isLong || shortVersion.get(tableName(name, shortVersion)) === text
}

function byItself(run: Run): Understood {
  const base = baseName(run.name)
  const peril = perilIn(run.name, run.args, false)
  if (readers.has(base) || plain.has(base)) return peril === undefined ? { quiet: isQuiet(base, run.args) } : refusal(peril)
  if (runsOthers(run.name)) return refusal(`command ${shown(run.name)} runs what is not analysed`)
  if (run.fed) return refusal(`command ${shown(run.name)} is not known: it may run what it reads`)
  return run.args.every(isPlainWord)
    ? { unknown: true }
    : refusal(`command ${shown(run.name)} is not known, nor what its arguments mean to it`)
}

/** A file that is run by its path is code in a file, whatever its name. */
function asPath({ name, args }: Run, found: Understood): Understood {
  if (!args.every(isPlainWord)) return refusal(`command ${shown(name)} is a path: what it runs is not known`)
  const isUsual = usualPath.test(name) && !/(?:^|\/)\.\.(?:\/|$)/.test(name)
  return { ...found, code: isUsual && found.code !== 'other' ? 'usual' : 'other' }
}
