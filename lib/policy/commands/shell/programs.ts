import { codeBuiltins } from './tables/builtins.js'
import { runners } from './tables/runners.js'

/** Does this command run what is not analysed, unless its arguments are known to be harmless? */
export function runsOthers(name: string): boolean {
  return codeBuiltins.has(name) || runners.has(tableName(name, runners)) || baseName(name).startsWith('git-')
}

/** `/bin/RM.exe` → `rm`: some file systems take them for one. */
export function baseName(name: string): string {
  return name
    .slice(name.lastIndexOf('/') + 1)
    .toLowerCase()
    .replace(/\.(exe|com|bat|cmd)$/, '')
}

/** The name by which a table knows a program, with or without a version: `/usr/bin/python3.11` → `python`. */
export function tableName(name: string, table: { has(name: string): boolean }): string {
  const base = baseName(name)
  return table.has(base) ? base : base.replace(/[-_]?\d[\d.]*$/, '')
}
