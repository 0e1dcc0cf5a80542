import { checkKnown, plainObject, shown, textList } from '../check-options.js'

/** Tools of one sort: their exact names, or each name with the field of its input that counts. */
export type NamedTools = readonly string[] | Readonly<Record<string, string>>

/** Which tool names mean what. Names match exactly, letter for letter. */
export interface ToolNames {
  /** Run a shell command. Default: `Bash`, field `command`. */
  readonly shell?: NamedTools
  /** Fetch a URL. Default: `WebFetch`, field `url`. */
  readonly fetch?: NamedTools
  /** Read a file. Default: `Read`, field `file_path`. */
  readonly read?: NamedTools
  /** Write a file. Default: `Write` and `Edit`, field `file_path`. */
  readonly write?: NamedTools
}

/** The field that counts, by the name of the tool. */
export type FieldByTool = ReadonlyMap<string, string>

/** The names as they take effect. */
export type KnownTools = { readonly [K in keyof Required<ToolNames>]: FieldByTool }

const byDefault = { shell: ['Bash'], fetch: ['WebFetch'], read: ['Read'], write: ['Write', 'Edit'] } as const
const fields = { shell: 'command', fetch: 'url', read: 'file_path', write: 'file_path' } as const
const sorts = ['shell', 'fetch', 'read', 'write'] as const

/** @throws TypeError on a sort that is unknown, or a name that is none */
export function knownTools(where: string, names: ToolNames = {}): KnownTools {
  checkKnown(`${where}: names`, names, sorts)
  const of = (sort: (typeof sorts)[number]) => fieldByTool(`${where}: names`, sort, names[sort] ?? byDefault[sort])
  return Object.freeze({ shell: of('shell'), fetch: of('fetch'), read: of('read'), write: of('write') })
}

function fieldByTool(where: string, sort: (typeof sorts)[number], tools: NamedTools): FieldByTool {
  if (Array.isArray(tools)) return new Map(textList(where, sort, tools).map(name => [name, fields[sort]]))
  const entries = Object.entries(plainObject(where, sort, tools))
  for (const [name, field] of entries)
    if (typeof field !== 'string' || field === '')
      throw new TypeError(`${where}: ${sort}.${name} must be the name of a field, got ${shown(field)}`)
  return new Map(entries as [string, string][])
}

/** Names with their fields, as facts of a rule. */
export function namesAsFacts(...tools: readonly FieldByTool[]): Readonly<Record<string, string>> {
  return Object.fromEntries(tools.flatMap(map => [...map]))
}

/** A field of a tool's input, where the input is an object and has it as its own. */
export function inputField(input: unknown, field: string): unknown {
  return typeof input === 'object' && input !== null && Object.hasOwn(input, field) ? (input as Record<string, unknown>)[field] : undefined
}
