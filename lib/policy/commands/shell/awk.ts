import type { Argument } from './words.js'

/** Why a call of awk cannot be let pass: only scripts that run no command and read no other file of code. */
export function awkPeril(args: readonly Argument[]): string | undefined {
  const at = scriptPlace(args)
  const script = at === undefined ? undefined : args[at]?.text
  return script !== undefined && isPlainScript(script) ? undefined : '"awk" with a script that may run or write something else'
}

/** Where the script stands, behind `-F` and `-v`; `undefined` behind any other option. */
function scriptPlace(args: readonly Argument[]): number | undefined {
  let at = 0
  while (args[at]?.text?.startsWith('-')) {
    const text = args[at]!.text!
    if (/^-[Fv]$/.test(text) && args[at + 1]?.single) at += 2
    else if (/^-[Fv]./.test(text)) at += 1
    else return undefined
  }
  return at
}

/** A command is run by `system`, `|` and `getline`; code is loaded, and functions are named by text, by `@`; `>` and `printf >` write. */
const isPlainScript = (script: string): boolean =>
  script.length < 4000 &&
  !/system|getline|@|\\\n|\/inet|>>|print.*>|fflush|close/is.test(script) &&
  !script.replaceAll('||', '').includes('|')
