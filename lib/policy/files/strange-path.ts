import { sep } from 'node:path'

const longest = 4096

/** What is wrong with a path by its text alone: forms that another reader could take for another place. */
export function strangePath(path: unknown): string | undefined {
  if (typeof path !== 'string' || path === '') return 'there is no path to judge'
  if (path.length > longest) return `a path of ${path.length} characters is too long`
  if (path.includes('\0')) return 'the path holds a NUL'
  if (/\p{Surrogate}/u.test(path)) return 'the path holds half a character'
  if (/%(?:2e|2f|5c|00|25)/i.test(path)) return 'the path holds an encoded character'
  if (/^\s*(?:~|\$|[a-z][a-z\d+.-]+:)/i.test(path)) return 'the path starts with ~, $ or a scheme'
  if (path.includes('\\') && sep !== '\\') return 'the path holds a backslash'
  if (/(?:^|[\\/])\.{3,}(?=[\\/]|$)/.test(path)) return 'the path holds a part of dots'
  return sep === '\\' ? strangeOnWindows(path) : undefined
}

/** What is wrong with a path on Windows besides. */
export function strangeOnWindows(path: string): string | undefined {
  if (/^[\\/]{2}/.test(path)) return 'the path leads to a device or another computer'
  if (/^[a-z]:(?![\\/])/i.test(path)) return 'the path starts from the folder of a drive'
  if (path.slice(2).includes(':')) return 'the path names a stream'
  if (/[. ](?=[\\/]|$)/.test(path.replace(/(^|[\\/])\.{1,2}(?=[\\/]|$)/g, '$1'))) return 'a part of the path ends in a dot or a space'
  return /~\d|(^|[\\/])(con|conin\$|conout\$|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])\s*(\.|[\\/]|$)/i.test(path)
    ? 'the path holds a short or reserved name'
    : undefined
}
