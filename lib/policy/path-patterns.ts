import { shown } from './check-options.js'

/** Does a pattern match this path? The path has `/` between its parts and none before the first. */
export type PathPattern = (path: string) => boolean

/**
 * `secret.env` or `*.pem` match a file or folder of that name anywhere; with a `/`, `config/*.env`, the path from the root on. `*` and `?` stop at a `/`,
 * `**` does not. A folder that matches takes all below it along. Letter case does not count.
 * @throws TypeError where a pattern uses what it does not have
 */
export function pathPattern(where: string, pattern: string): PathPattern {
  if (/[[\]{}!\\]|\*{3}/.test(pattern)) throw new TypeError(`${where}: deny takes names and paths with *, ** and ?; got ${shown(pattern)}`)
  const anchored = pattern.replace(/\/+$/, '').includes('/')
  const body = fold(pattern.replace(/^(\.?\/)+|\/+$/g, ''))
  const shape = new RegExp(`${anchored ? '^' : '(?:^|/)'}${globShape(body)}(?:/|$)`, 'u')
  return path => shape.test(fold(path))
}

/** One form for what some file systems take for one name. */
export function fold(path: string): string {
  return path.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase()
}

function globShape(glob: string): string {
  return glob.replace(/\*\*\/|\*\*|\*|\?|[^*?]+/g, token => {
    if (token === '**/') return '(?:.*/)?'
    if (token === '**') return '.*'
    if (token === '*') return '[^/]*'
    return token === '?' ? '[^/]' : token.replace(/[$()+.^|/-]/g, '\\$&').replaceAll('\\-', '\\x2d')
  })
}
