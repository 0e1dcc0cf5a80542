import type { CommandEntry } from '../command.js'

/** The commands of `outrigger policy`, in the order of the help. */
export const policyCommands: readonly CommandEntry[] = [
  {
    name: 'test',
    summary: 'Judges the cases of a file, and fails where one is answered otherwise.',
    load: async () => (await import('./test.js')).testing,
  },
  {
    name: 'explain',
    summary: 'Says how a command of the shell is read, and what the rules say of it.',
    load: async () => (await import('./explain.js')).explain,
  },
  {
    name: 'compare',
    summary: 'Says whether one file of rules is at least as strict as another.',
    load: async () => (await import('./compare.js')).compare,
  },
]
