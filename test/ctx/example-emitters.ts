import type { CTXStatement, Emitter } from 'outrigger/ctx'

type Custom = Omit<Emitter, 'id'>

/** JSON is YAML; what YAML does not print is escaped its way. */
const flow = (value: unknown): string =>
  JSON.stringify(value).replace(/[^ -~]/gu, char => `\\U${char.codePointAt(0)!.toString(16).padStart(8, '0')}`)

const members = ({ raw: _text, payload, ...statement }: CTXStatement): object => ({ ...statement, ...payload, raw: undefined })

export const yaml: Custom = {
  emit: statement =>
    Object.entries(members(statement))
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}: ${flow(value)}\n`)
      .join(''),
  emitBatch: statements => statements.map(statement => `---\n${yaml.emit(statement)}`).join(''),
}

const columns = ['operator', 'plane', 'verb', 'decorator', 'target', 'filters', 'text', 'fields'] as const

/** RFC 4180: every field in quotes, and a quote doubled. What is no text is JSON. */
const field = (value: unknown): string => `"${(typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).replaceAll('"', '""')}"`

export const csv: Custom = {
  emit: statement => {
    const row: Readonly<Record<string, unknown>> = { ...members(statement) }
    return columns.map(name => field(row[name])).join(',')
  },
  emitBatch: statements => [columns.join(','), ...statements.map(csv.emit)].map(line => `${line}\r\n`).join(''),
}
