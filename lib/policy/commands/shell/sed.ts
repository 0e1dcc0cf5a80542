import type { Argument } from './words.js'

const address = String.raw`(?:\d+|\$|\/[^/\\\n]*\/)`
const replacement = String.raw`s([/|#,@])(?:\\[^\n]|(?!\1)[^\\\n])*\1(?:\\[^\n]|(?!\1)[^\\\n])*\1[gpiI\d]*`
/** Scripts of sed that only print, delete and replace. */
const plainCommand = new RegExp(`(?:${address}(?:,${address})?)?(?:[pdqn=]|${replacement})(?:;[; ]*|$)`, 'y')
/** The longest script that is looked at. */
const longest = 2000

/** Why a call of sed cannot be let pass: any script but the plainest may run commands or write files. */
export function sedPeril(args: readonly Argument[]): string | undefined {
  const plain = !args.some(isOddOption) && scriptsOf(args).every(({ text }) => text !== undefined && text.length < longest && isPlain(text))
  return plain ? undefined : '"sed" with a script that may run or write something else'
}

/** One plain command behind the other. */
function isPlain(script: string): boolean {
  let at = 0
  while (at < script.length) {
    plainCommand.lastIndex = at
    const found = plainCommand.exec(script)?.[0].length ?? 0
    if (found === 0) return false
    at += found
  }
  return script !== ''
}

function isOddOption({ text, operand }: Argument): boolean {
  return !operand && !(text !== undefined && /^(?:-[nErsi]*e?|-i\.\w+|--quiet|--silent|--regexp-extended|--in-place)$/.test(text))
}

/** Each argument behind `-e`, else the first that is no option. */
function scriptsOf(args: readonly Argument[]): readonly Argument[] {
  const behind = args.filter((_arg, at) => /^-[nErsi]*e$/.test(args[at - 1]?.text ?? ''))
  return behind.length > 0 ? behind : args.filter(({ operand }) => operand).slice(0, 1)
}
