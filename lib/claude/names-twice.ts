/** Does valid JSON name a field of an object twice? Readers differ in which of the two they take. Linear, and without recursion. */
export function namesTwice(json: string): boolean {
  const open: (Set<unknown> | undefined)[] = []
  let nameNext = false
  for (let at = 0; at < json.length; at++) {
    const char = json[at]
    if (char === '"') {
      const end = endOfText(json, at)
      if (nameNext && isKnown(open.at(-1)!, JSON.parse(json.slice(at, end + 1)))) return true
      nameNext = false
      at = end
    } else if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : undefined)
      nameNext = char === '{'
    } else if (char === '}' || char === ']') open.pop()
    else if (char === ',') nameNext = open.at(-1) !== undefined
  }
  return false
}

function isKnown(names: Set<unknown>, name: unknown): boolean {
  return names.has(name) || !names.add(name)
}

/** Where the text ends that begins at `start`. */
function endOfText(json: string, start: number): number {
  let at = start + 1
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}
