import type { Command, CommandEntry, CommandOption } from './command.js'

const columns = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}

const spelled = (name: string, { short, value, type }: CommandOption): string =>
  `${short ? `-${short}, ` : ''}--${name}${type === 'string' ? ` ${value ?? 'VALUE'}` : ''}`

/** The help of a program, or of a command that has commands of its own. */
export function globalHelp(commands: readonly CommandEntry[], program: string): string {
  const see = columns([
    [`${program} COMMAND --help`, 'the options of a command'],
    [`${program} --version`, 'the version'],
  ])
  return `usage: ${program} COMMAND [options]\n\ncommands:\n${columns(commands.map(({ name, summary }) => [name, summary]))}\n${see}
exit codes: 0 fine, 1 it failed, 2 wrong use, 125 the sidecar stopped the command, 130 interrupted\n`
}

/** The help of one command. */
export function commandHelp({ name, summary }: CommandEntry, { usage, options, notes = [] }: Command, program: string): string {
  const rows = Object.entries(options).map(([option, facts]) => [spelled(option, facts), facts.about] as const)
  return `usage: ${program} ${`${name} ${usage}`.trim()}\n\n${summary}\n\noptions:\n${columns(rows)}${notes.map(note => `\n${note}\n`).join('')}`
}
