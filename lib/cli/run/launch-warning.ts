/** The one line for a key that stands in the environment: clean as the companion is, others show it still. */
export function launchWarning(names: readonly string[], pid: number): string {
  const [one] = names
  const many = names.length === 1 ? one : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
  return `outrigger: warning: ${many} ${names.length === 1 ? 'is' : 'are'} in the environment; the command and the companion do not have ${names.length === 1 ? 'it' : 'them'}, but this launcher (${pid}) and the shell that started it still show it to whoever may read them: take it out, and use --key-file FILE or --key-command CMD\n`
}
