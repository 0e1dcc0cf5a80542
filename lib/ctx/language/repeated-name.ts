/** A text, as a name where a colon follows, or the begin or end of an object or list. */
const parts = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}[\]]/g

/** A name that stands twice in one object of a JSON text, and where it stands the second time. `JSON.parse` would forget the first. */
export interface RepeatedName {
  readonly name: string
  readonly position: number
}

/** The first of them; nothing where every name stands once. The text must be JSON. */
export function repeatedNameIn(json: string): RepeatedName | undefined {
  const open: Set<string>[] = []
  for (const { 0: part, 1: text, 2: colon, index } of json.matchAll(parts)) {
    if (part === '{' || part === '[') open.push(new Set())
    else if (part === '}' || part === ']') open.pop()
    else if (colon !== undefined) {
      const name = JSON.parse(text!) as string
      const names = open.at(-1)!
      if (names.has(name)) return { name, position: index }
      names.add(name)
    }
  }
  return undefined
}
