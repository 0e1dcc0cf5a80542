import type { ParsedScript, SyntaxNode } from 'unbash'

/** What is taken of the shell parser. */
export interface ShellParser {
  parse(source: string): ParsedScript
  forEachChild(node: SyntaxNode, callback: (child: SyntaxNode) => void): void
}

let loading: Promise<ShellParser> | undefined
let loaded: ShellParser | undefined

/** The parser where it is loaded already, else a promise of it. It is read once in a process, when the first command is judged. */
export function shellParser(): ShellParser | Promise<ShellParser> {
  if (loaded) return loaded
  loading ??= import('unbash').then(parser => {
    loaded = parser
    return parser
  })
  return loading
}
