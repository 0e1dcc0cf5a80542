/** A string: SurrealQL reads a backslash as an escape, and every other character as it stands. */
export const text = (value: string): string => `'${value.replace(/[\\']/g, '\\$&')}'`

export const list = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`

/** An object; what is `undefined` is left out. The values are SurrealQL. */
export const object = (members: Readonly<Record<string, string | undefined>>): string =>
  `{ ${Object.entries(members)
    .flatMap(([name, value]) => (value === undefined ? [] : `${text(name)}: ${value}`))
    .join(', ')} }`

/** A value, or nothing where there is none. */
export const optional = <Value>(value: Value | undefined, write: (value: Value) => string): string | undefined =>
  value === undefined ? undefined : write(value)

/** Fields of a payload. */
export const fieldsOf = (fields: Readonly<Record<string, string>>): string =>
  object(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, text(value)])))
