import type { Content, Rows } from './rows.js'

const differing = ({ entries, edges, calls }: Content, other: Content): number => {
  const there = new Set<unknown>([...other.entries, ...other.edges, ...other.calls])
  return [...entries, ...edges, ...calls].filter(one => !there.has(one)).length
}

/** How many entries, edges and calls a change makes, changes or deletes: what servers answer. */
export function changesOf(rows: Rows, change: () => void): number {
  const before = rows.content
  change()
  const after = rows.content
  return Math.max(differing(after, before), differing(before, after))
}
