import type { CommandEntry } from '../command.js'

/** The commands of `actx`, which are those of `outrigger ctx`, in the order of the help. */
export const ctxCommands: readonly CommandEntry[] = [
  {
    name: 'init',
    summary: 'Makes the key pair and the folder that records are signed with and kept in.',
    load: async () => (await import('./init.js')).init,
  },
  {
    name: 'translate',
    summary: 'Prints statements as English sentences, or in another language; nothing is written.',
    load: async () => (await import('./translate.js')).translate,
  },
  {
    name: 'query',
    summary: 'Translates a statement, signs it and writes it into the record.',
    load: async () => (await import('./query.js')).query,
  },
  { name: 'verify', summary: 'Verifies the signed record.', load: async () => (await import('./verify.js')).verify },
  { name: 'log', summary: 'Prints the record as sentences.', load: async () => (await import('./log.js')).log },
  {
    name: 'git',
    summary: 'Prints the record as commits, for git fast-import.',
    load: async () => (await import('./git.js')).git,
  },
]
