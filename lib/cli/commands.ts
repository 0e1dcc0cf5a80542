import type { CommandEntry } from './command.js'
import { ctxCommands } from './ctx/commands.js'
import { ledgerCommands } from './ledger/commands.js'
import { policyCommands } from './policy/commands.js'

/** The one table of commands, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'start',
    summary: 'Runs a coordinator and two task workers on a small job, and verifies their record.',
    load: async () => (await import('./start.js')).start,
  },
  {
    name: 'run',
    summary: 'Runs a command behind a companion of its own: budget, rules, record, and no key in its hands.',
    load: async () => (await import('./run.js')).run,
  },
  {
    name: 'serve',
    summary: 'Serves many agents on one port, each by its own token, until it is told to end.',
    load: async () => (await import('./serve.js')).serve,
  },
  {
    name: 'top',
    summary: 'Shows the agents of the companions that run, live; pauses, resumes and reaps them.',
    load: async () => (await import('./top.js')).top,
  },
  { name: 'check', summary: 'Validates a configuration and prints it.', load: async () => (await import('./check.js')).check },
  { name: 'policy', summary: 'Rules of the project: tries them on cases, and explains a command.', commands: policyCommands },
  {
    name: 'approve',
    summary: 'Lists the actions that wait for an approval, and answers one.',
    load: async () => (await import('./approve/approve.js')).approve,
  },
  {
    name: 'kill',
    summary: 'Stops every sidecar of this folder by its kill switch, or lifts it.',
    load: async () => (await import('./kill.js')).kill,
  },
  {
    name: 'ledger',
    summary: 'The books, in a file or in PostgreSQL: accounts, history, calls that are to be decided.',
    commands: ledgerCommands,
  },
  { name: 'ctx', summary: 'CTX statements and the signed record; also by itself, as actx.', commands: ctxCommands },
  {
    name: 'hook',
    summary: "Claude Code's hook: asks the companion before and after a tool is run.",
    load: async () => (await import('./hook.js')).hook,
  },
]
