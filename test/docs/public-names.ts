import { dirname, join } from 'node:path'
import { codeOf } from '../architecture/source-files.js'

const declared = /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|interface|type|enum) ([A-Za-z_$][\w$]*)/gm
const listed = /^export (?:type )?\{([^}]*)\}/gm
const starred = /^export (?:type )?\* from '([^']+)'/gm

const asName = (item: string): string =>
  item
    .trim()
    .replace(/^type /, '')
    .split(' as ')
    .at(-1)!
    .trim()

/** Every name that a module exports, values and types, followed through `export *`. */
export function publicNames(file: string): readonly string[] {
  const code = codeOf(file)
  const own = [...code.matchAll(declared)].map(match => match[1]!)
  const lists = [...code.matchAll(listed)].flatMap(match =>
    match[1]!
      .split(',')
      .filter(item => item.trim() !== '')
      .map(asName),
  )
  const stars = [...code.matchAll(starred)].flatMap(match => publicNames(join(dirname(file), match[1]!.replace(/\.js$/, '.ts'))))
  return [...new Set([...own, ...lists, ...stars])].sort()
}
