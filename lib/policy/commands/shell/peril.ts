import { awkPeril } from './awk.js'
import { gitPeril } from './git.js'
import { optionPeril, type Perilous } from './options.js'
import { baseName, tableName } from './programs.js'
import { sedPeril } from './sed.js'
import { steersPrograms } from './tables/environment.js'
import { perilousOptions, type PerilousRow } from './tables/perilous-options.js'
import type { Argument } from './words.js'

const perilous: ReadonlyMap<string, Perilous> = new Map(perilousOptions.map(row => [row.program, perilousOf(row)]))

function perilousOf({ long, letters, words, bundle, form, untilOperand }: PerilousRow): Perilous {
  const forms = [letters && `^-[a-zA-Z0-9]*[${letters}]`, words && `^-(?:${words.replaceAll(' ', '|')})$`, form?.source].filter(Boolean)
  return {
    long: long?.split(' '),
    form: forms.length > 0 ? new RegExp(forms.join('|')) : undefined,
    bundle: bundle === undefined ? undefined : new RegExp(`[${bundle}]`),
    untilOperand,
  }
}

/**
 * Why the arguments of a program cannot be let pass, whoever has allowed the program.
 * @param named - its command, like `config` of git, is allowed by its own name
 */
export function perilIn(name: string, args: readonly Argument[], named: boolean): string | undefined {
  const base = baseName(name)
  if (base === 'git') return gitPeril(args, named)
  const special = Object.hasOwn(bySpecialCare, base) ? bySpecialCare[base] : undefined
  if (special) return special(args)
  const known = tableName(base, perilous)
  const peril = perilous.get(known)
  return peril && optionPeril(base, peril, args)
}

const bySpecialCare: Readonly<Record<string, (args: readonly Argument[]) => string | undefined>> = {
  sed: sedPeril,
  gsed: sedPeril,
  awk: awkPeril,
  gawk: awkPeril,
  mawk: awkPeril,
  nawk: awkPeril,
  man: manPeril,
  read: readPeril,
  test: testPeril,
  '[': testPeril,
}

/** Names of pages, and numbers of sections. */
function manPeril(args: readonly Argument[]): string | undefined {
  return args.every(({ text }) => text !== undefined && /^[\w][\w.+-]*$/.test(text))
    ? undefined
    : '"man" with an option that may run others'
}

function readPeril(args: readonly Argument[]): string | undefined {
  const odd = args.some(({ text }) => text === undefined || text.includes('[') || steersPrograms(text))
  return odd ? '"read" into a variable that steers programs or is not known' : undefined
}

/** `-v` calculates. What is not known may stand only where it cannot be an operator. */
function testPeril(args: readonly Argument[]): string | undefined {
  const isOperator = (arg: Argument | undefined) => arg?.text !== undefined && /^(?:-[a-zA-Z]+|[=!<>]=?)$/.test(arg.text)
  const isSafe = (arg: Argument, at: number) =>
    arg.text === undefined ? arg.single && (isOperator(args[at - 1]) || (at === 0 && isOperator(args[1]))) : !/^-[vR]$/.test(arg.text)
  return args.every(isSafe) ? undefined : 'a test that may calculate with variables'
}
