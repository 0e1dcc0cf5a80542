import { UsageError } from '../command.js'

/** What would mean something to a shell, and is only a word here. */
const operators: ReadonlySet<string> = new Set(['|', '||', '&', '&&', ';', '>', '>>', '<', '<<'])

/**
 * Takes a command apart into words, without a shell: spaces part them, '…' and "…" hold one together, and nothing else means anything: no variable, no
 * backslash, no pipe.
 * @throws UsageError on no word, a quote that is not closed, and what only a shell could do
 */
export function commandWords(text: string, option: string): readonly [string, ...string[]] {
  const words: string[] = []
  let at = 0
  while (at < text.length) {
    const space = /\s+/y
    space.lastIndex = at
    if (space.test(text)) at = space.lastIndex
    if (at >= text.length) break
    const [word, next] = wordAt(text, at, option)
    words.push(word)
    at = next
  }
  const [first, ...rest] = words
  if (!first) throw new UsageError(`${option} is empty; write the command that prints the key`)
  return [first, ...rest]
}

function wordAt(text: string, start: number, option: string): readonly [string, number] {
  let word = ''
  let at = start
  while (at < text.length && !/\s/.test(text[at]!)) {
    const mark = text[at]!
    if (mark !== '"' && mark !== "'") {
      word += mark
      at++
      continue
    }
    const end = text.indexOf(mark, at + 1)
    if (end < 0) throw new UsageError(`${option}: a ${mark} is not closed`)
    word += text.slice(at + 1, end)
    at = end + 1
  }
  if (operators.has(text.slice(start, at)))
    throw new UsageError(
      `${option} is run without a shell, so that ${text.slice(start, at)} means nothing; put it in a script and name that`,
    )
  return [word, at]
}
