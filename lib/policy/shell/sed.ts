import type { Argument } from './words.js'

const address = String.raw`(?:\d+|\$|\/[^/\\\n]*\/)`
const replacement = String.raw`s([/|#,@])(?:\\[^\n]|(?!\1)[^\\\n])*\1(?:\\[^\n]|(?!\1)[^\\\n])*\1[gpiI\d]*`
/** Scripts of sed that only print, delete and replace. */
const plainScript = new RegExp(`^(?:${address}(?:,${address})?)?(?:[pdqn=]|${replacement})$`)
/** The longest script that is looked at. */
const longest = 2000

/** Why a call of sed cannot be let pass: any script but the plainest may run commands or write files. */
export function sedPeril(args: readonly Argument[]): string | undefined {
  const plain =
    !args.some(isOddOption) && scriptsOf(args).every(({ text }) => text !== undefined && text.length < longest && plainScript.test(text))
  return plain ? undefined : '"sed" with a script that may run or write something else'
}

function isOddOption({ text, operand }: Argument): boolean {
  return !operand && !(text !== undefined && /^(?:-[nErsi]*e?|--quiet|--silent|--regexp-extended|--in-place)$/.test(text))
}

/** Each argument behind `-e`, else the first that is no option. */
function scriptsOf(args: readonly Argument[]): readonly Argument[] {
  const behind = args.filter((_arg, at) => /^-[nErsi]*e$/.test(args[at - 1]?.text ?? ''))
  return behind.length > 0 ? behind : args.filter(({ operand }) => operand).slice(0, 1)
}
