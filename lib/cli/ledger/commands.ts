import type { CommandEntry } from '../command.js'

/** The commands of `outrigger ledger`, in the order of the help. */
export const ledgerCommands: readonly CommandEntry[] = [
  {
    name: 'show',
    summary: 'Prints the accounts as a tree, with what is spent and left.',
    load: async () => (await import('./show.js')).show,
  },
  { name: 'history', summary: 'Prints every change of the books.', load: async () => (await import('./history.js')).history },
  {
    name: 'reconcile',
    summary: 'Lists the calls whose end is not known, and decides one.',
    load: async () => (await import('./reconcile.js')).reconcile,
  },
  { name: 'export', summary: 'Prints the history as CSV or JSON.', load: async () => (await import('./export.js')).exporting },
  {
    name: 'migrate',
    summary: 'Makes the tables of books in PostgreSQL, or brings them up to date.',
    load: async () => (await import('./migrate.js')).migrating,
  },
]
