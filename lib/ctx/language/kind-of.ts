/** What sort of value it is, in a word for a message; never the value itself. */
export const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value)
