/** Where Claude Code stands in a command line. */
export interface ClaudeCommand {
  /** Its place. Its arguments follow. */
  readonly at: number
  /** The program that starts it takes options behind its name for its own: `npm exec claude --settings x`. */
  readonly swallows: boolean
}

/** Programs that run another one, by what follows their names: `npx claude`, `pnpm dlx claude`. */
const launchers: ReadonlyMap<string, readonly (string | undefined)[]> = new Map([
  ['npx', [undefined]],
  ['bunx', [undefined]],
  ['pnpx', [undefined]],
  ['npm', ['exec', 'x']],
  ['pnpm', ['dlx', 'exec']],
  ['yarn', ['dlx', 'exec', 'run', undefined]],
  ['bun', ['x']],
])

/** Finds Claude Code: by its name, by a path to it, or started by a launcher of packages. */
export function findClaude(command: readonly string[]): ClaudeCommand | undefined {
  const [program = ''] = command
  if (isProgram(program)) return { at: 0, swallows: false }
  const name = baseName(program)
  const script = command.findIndex(word => /[\\/]@anthropic-ai[\\/]claude-code[\\/]cli\.[cm]?js$/.test(word))
  if ((name === 'node' || name === 'bun' || name === 'deno') && script > 0) return { at: script, swallows: false }
  const verbs = launchers.get(name)
  return verbs && launched(command, name, verbs)
}

function launched(command: readonly string[], name: string, verbs: readonly (string | undefined)[]): ClaudeCommand | undefined {
  const hasVerb = verbs.includes(command[1])
  if (!hasVerb && !verbs.includes(undefined)) return undefined
  const from = hasVerb ? 2 : 1
  const at = command.findIndex((word, place) => place >= from && isPackage(word))
  if (at < 0 || command.slice(from, at).some(isOtherProgram)) return undefined
  return { at, swallows: name === 'npm' && !command.slice(from, at).includes('--') }
}

/** What stands before the package must be the launcher's own: options, and values of the one that names packages. */
function isOtherProgram(word: string, at: number, words: readonly string[]): boolean {
  return !word.startsWith('-') && !/^(?:-p|--package)$/.test(words[at - 1] ?? '')
}

const isPackage = (word: string): boolean => /^(?:@anthropic-ai\/claude-code|claude)(?:@[^/]+)?$/.test(word) || isProgram(word)
const isProgram = (word: string): boolean => baseName(word) === 'claude'
const baseName = (path: string): string => (path.split(/[\\/]/).at(-1) ?? '').replace(/\.(?:cmd|exe|ps1|bat)$/i, '')
