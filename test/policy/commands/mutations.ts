// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text of commands
import { isInstalled } from './prove-attack.js'

/** A text that does the same as another; `undefined` where the other is not of its kind. */
export interface Mutation {
  readonly name: string
  apply(text: string): string | undefined
}

const around = (name: string, before: string, after: string): Mutation => ({ name, apply: text => `${before}${text}${after}` })

const keywords = new Set('if for while until case select function time coproc'.split(' '))

/** Changes the word with which a text begins, where that is the plain name of a command. */
function firstWord(name: string, change: (word: string) => string | undefined): Mutation {
  return {
    name,
    apply(text) {
      const word = /^[a-z][\w-]+(?=[ \n]|$)/.exec(text)?.[0]
      const changed = word === undefined || keywords.has(word) ? undefined : change(word)
      return changed === undefined ? undefined : changed + text.slice(word!.length)
    },
  }
}

const hex = (letter: string): string => `$'\\x${letter.charCodeAt(0).toString(16)}'`
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** The table of equivalences. Those around a text hold for every text. */
export const mutations: readonly Mutation[] = [
  around('spaces in front', '  \t', ''),
  around('an empty line in front', '\n\n', ''),
  around('a comment in front', '# harmless\n', ''),
  around('a comment behind', '', '\n# harmless'),
  around('a command in front', ':; ', ''),
  around('a variable in front', 'A=1\n', ''),
  around('behind &&', 'true && {\n', '\n}'),
  around('behind ||', 'false || {\n', '\n}'),
  around('a subshell', '(\n', '\n)'),
  around('two subshells', '( (\n', '\n) )'),
  around('a group', '{\n', '\n}'),
  around('a condition', 'if true; then\n', '\nfi'),
  around('the other branch', 'if false; then :; else\n', '\nfi'),
  around('a loop', 'for _ in 1; do\n', '\ndone'),
  around('a loop that is left', 'while true; do\n', '\nbreak\ndone'),
  around('a case', 'case x in x)\n', '\n;; esac'),
  around('a negation', '! {\n', '\n}'),
  around('a measured time', 'time {\n', '\n}'),
  around('a substitution', 'echo "$(\n', '\n)"'),
  around('a process substitution', 'cat <(\n', '\n)'),
  around('the end of a pipe', 'true | {\n', '\n}'),
  around('a redirection', '{\n', '\n} 2>/dev/null'),
  around('the background', '{\n', '\n} & wait'),
  { name: 'a text of bash', apply: text => `bash -c ${quoted(text)}` },
  { name: 'behind a wrapper', apply: text => `timeout 20 bash -c ${quoted(text)}` },
  { name: 'eval', apply: text => `eval ${quoted(text)}` },
  firstWord('single quotes', word => `'${word}'`),
  firstWord('double quotes', word => `"${word}"`),
  firstWord('an empty text within', word => `${word[0]}''${word.slice(1)}`),
  firstWord('a backslash', word => `\\${word}`),
  firstWord('a backslash within', word => `${word[0]}\\${word.slice(1)}`),
  firstWord('a letter by its number', word => hex(word[0]!) + word.slice(1)),
  firstWord('a line that goes on', word => `${word.slice(0, 1)}\\\n${word.slice(1)}`),
  firstWord('an empty variable', word => `${word}\${nothing}`),
  firstWord('a path', word => ['/usr/bin/', '/bin/'].map(folder => folder + word).find(isInstalled)),
]
