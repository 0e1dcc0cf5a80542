/**
 * Reads a URL; `undefined` where it is none. Not by `URL.canParse`: once Node 20 has optimised a caller of that, it says no to any URL with a
 * letter of Latin-1 beyond ASCII.
 */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
