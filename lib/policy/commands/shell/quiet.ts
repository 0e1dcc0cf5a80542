import { gitWritesItsOwn, writeNothing } from './tables/plain.js'
import type { Argument } from './words.js'

/** Does a program leave no text in a file, but what the repository holds already? Then nothing that it leaves can be run as a script. */
export function isQuiet(base: string, args: readonly Argument[]): true | undefined {
  const special = Object.hasOwn(quietWith, base) ? quietWith[base] : undefined
  return (special ? special(args) : writeNothing.has(base)) || undefined
}

const without =
  (option: RegExp) =>
  (args: readonly Argument[]): boolean =>
    args.every(({ text, operand }) => (text === undefined ? operand : !option.test(text)))

/** Programs that write only where an option, or a second name, says so. */
const quietWith: Readonly<Record<string, (args: readonly Argument[]) => boolean>> = {
  sed: without(/^-[a-zA-Z]*i|^--i/),
  sort: without(/^-[a-zA-Z]*o|^--o/),
  uniq: args => args.filter(({ operand, text }) => operand || text === undefined).length < 2,
  find: () => true,
  awk: () => true,
  git: args => gitWritesItsOwn.has(args.find(({ operand }) => operand)?.text ?? ''),
}
