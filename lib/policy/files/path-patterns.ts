import { foldName } from '../../core/fold-name.js'
import { shown } from '../check-options.js'

/** Does a pattern match this path? Its parts, each folded; none for the root itself. */
export type PathPattern = (parts: readonly string[]) => boolean

/**
 * `secret.env` or `*.pem` match a file or folder of that name anywhere; with a `/`, `config/*.env`, the path from the root on. `*` and `?` stop at a `/`,
 * `**` between slashes does not. A folder that matches takes all below it along. Letter case does not count. Matching takes at most the product of both
 * lengths.
 * @throws TypeError where a pattern uses what it does not have, or can match nothing
 */
export function pathPattern(where: string, pattern: string): PathPattern {
  const parts = checked(where, pattern)
  const isAnchored = pattern.replace(/\/+$/, '').includes('/')
  const glob = [...(isAnchored ? [] : ['**']), ...withContent(parts), '**'].map(part => (part === '**' ? part : foldName(part)))
  return path => matchesAll(glob, path, '**', nameMatches)
}

function checked(where: string, pattern: string): readonly string[] {
  const no = (why: string) => new TypeError(`${where}: ${why}; got ${shown(pattern)}`)
  if (/[[\]{}!\\]/.test(pattern)) throw no('deny takes names and paths with *, ** and ?')
  if (/^[~$]/.test(pattern)) throw no('deny does not know home folders and variables: write the path out')
  const parts = pattern.split('/').filter(part => part !== '' && part !== '.')
  if (parts.includes('..')) throw no('deny takes no ..')
  if (parts.some(part => part !== '**' && part.includes('**'))) throw no('** in deny must stand alone between slashes')
  return parts
}

/** `config/**` is what is in the folder, not the folder. */
function withContent(parts: readonly string[]): readonly string[] {
  return parts.length > 1 && parts.at(-1) === '**' ? [...parts.slice(0, -1), '*'] : parts
}

function nameMatches(glob: string, name: string): boolean {
  return glob.includes('*') || glob.includes('?') ? matchesAll([...glob], [...name], '*', letterMatches) : glob === name
}

const letterMatches = (glob: string, letter: string): boolean => glob === '?' || glob === letter

/** `any` stands for any number of items. Where an item does not fit, the last `any` takes one more: the ones before it need not. */
function matchesAll(
  glob: readonly string[],
  items: readonly string[],
  any: string,
  matches: (glob: string, item: string) => boolean,
): boolean {
  let [g, last, taken] = [0, -1, 0]
  for (let n = 0; n < items.length; ) {
    if (glob[g] === any) {
      last = g++
      taken = n
    } else if (g < glob.length && matches(glob[g]!, items[n]!)) {
      g++
      n++
    } else if (last >= 0) {
      g = last + 1
      n = ++taken
    } else return false
  }
  return glob.slice(g).every(part => part === any)
}
