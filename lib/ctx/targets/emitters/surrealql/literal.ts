/** A string: SurrealQL reads a backslash as an escape, and every other character as it stands. */
export const text = (value: string): string => `'${/[\\']/.test(value) ? value.replace(/[\\']/g, '\\$&') : value}'`

export const list = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`

/** An object; what is `undefined` is left out. The values are SurrealQL. */
export function object(members: Readonly<Record<string, string | undefined>>): string {
  let written = ''
  for (const name of Object.keys(members)) {
    const value = members[name]
    if (value !== undefined) written += `${written === '' ? '' : ', '}${text(name)}: ${value}`
  }
  return `{ ${written} }`
}

/** A value, or nothing where there is none. */
export const optional = <Value>(value: Value | undefined, write: (value: Value) => string): string | undefined =>
  value === undefined ? undefined : write(value)

/** Fields of a payload. */
export const fieldsOf = (fields: Readonly<Record<string, string>>): string =>
  object(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, text(value)])))
