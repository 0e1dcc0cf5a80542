import type { Argument } from './words.js'

/** Options that make a program run another one or write where it should not. */
export interface Perilous {
  /** Long options, by name: an abbreviation counts as the option. */
  readonly long?: readonly string[]
  /** Any argument of this form. */
  readonly form?: RegExp
  /** A first argument of this form that has no dash: `xIf`. */
  readonly bundle?: RegExp
  /** Options end at the first argument that is none. */
  readonly untilOperand?: boolean
}

/** Why options of a program cannot be let pass. */
export function optionPeril(
  name: string,
  { long = [], form, bundle, untilOperand }: Perilous,
  args: readonly Argument[],
): string | undefined {
  const end = untilOperand ? args.findIndex(({ operand }) => operand) : -1
  const options = end < 0 ? args : args.slice(0, end)
  if (options.some(({ text, operand }) => text === undefined && !operand))
    return `"${name}" with arguments that are not known before it runs`
  const isOne = (text: string) => form?.test(text) === true || long.some(option => isLong(text, option))
  const bundled = bundle?.test(args[0]?.text ?? '') === true && args[0]!.operand
  return bundled || options.some(({ text }) => text !== undefined && isOne(text))
    ? `"${name}" with an option that runs or writes something else`
    : undefined
}

/** `--compress-prog=x` is `--compress-program`. */
function isLong(text: string, option: string): boolean {
  const given = /^--([a-zA-Z][\w-]*)/.exec(text)?.[1]
  return given !== undefined && option.startsWith(given)
}
