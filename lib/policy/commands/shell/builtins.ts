import type { Run } from './analyse.js'
import { sourced } from './interpreted.js'
import { codeBuiltins, harmlessSet } from './tables/builtins.js'
import { steersPrograms } from './tables/environment.js'
import { nothing, refusal, type Understood } from './understood.js'
import type { Argument } from './words.js'

/** What a word of the shell does that turns text into code, or changes later words; `undefined` for any other command. */
export function builtinOf({ name, args }: Run): Understood | undefined {
  if (name === 'source' || name === '.') return sourced(args)
  if (name === 'command' && /^-[vV]$/.test(args[0]?.text ?? '')) return nothing
  if (name === 'command') return undefined
  const special = Object.hasOwn(harmless, name) ? harmless[name]! : () => false
  if (!codeBuiltins.has(name)) return undefined
  return special(args) ? nothing : refusal(`command "${name}" runs what is not analysed`)
}

const harmless: Readonly<Record<string, (args: readonly Argument[]) => boolean>> = {
  // Assignments are looked at where they stand in the tree.
  export: args =>
    args.every(({ text, start, single }) => single && isHarmlessName((text ?? start).replace(/=.*$/s, ''), text !== undefined)),
  history: args => args.length === 0 || (args.length === 1 && /^\d+$/.test(args[0]!.text ?? '')),
  set: args => args.length > 0 && args.every(isHarmlessSet),
}

const isHarmlessName = (name: string, whole: boolean): boolean => whole && /^[a-zA-Z_]\w*$/.test(name) && !steersPrograms(name)

function isHarmlessSet({ text = '' }: Argument, at: number, args: readonly Argument[]): boolean {
  const before = args[at - 1]?.text ?? ''
  if (/^[-+][a-z]*o$/.test(before)) return (harmlessSet.names as readonly string[]).includes(text)
  const letters = /^[-+]([a-z]+)$/.exec(text)?.[1] ?? '?'
  return [...letters].every(
    (letter, place) => harmlessSet.letters.includes(letter) || (letter === 'o' && place === letters.length - 1 && at < args.length - 1),
  )
}
