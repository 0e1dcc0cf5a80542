import type { CommandEntry } from '../command.js'

/** The commands of `actx`, which are those of `outrigger ctx`, in the order of the help. */
export const ctxCommands: readonly CommandEntry[] = [
  {
    name: 'translate',
    summary: 'Prints a statement as an English sentence; nothing is written.',
    load: async () => (await import('./translate.js')).translate,
  },
]
