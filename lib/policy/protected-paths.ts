/** Files that steer an agent's sidecar: its configuration, and the folder of record, keys and books. */
const ownNames = /^(\.context|outrigger\.config(\..*)?)$/

/** Does a path lead to, or through, what steers the sidecar? Letter case does not count: on some file systems it does not either. */
export function isProtected(path: string, also: readonly string[] = []): boolean {
  const plain = path.normalize('NFC').toLowerCase()
  if (plain.split(/[\\/]+/).some(segment => ownNames.test(segment.replace(/[. ]+$/, '') || segment))) return true
  return also.some(folder => plain === folder || plain.startsWith(`${folder}/`))
}
