import { type CommandIo, type CommandOption, UsageError } from '../command.js'

/** The options of `outrigger serve`. */
export const serveOptions: Readonly<Record<string, CommandOption>> = {
  config: {
    type: 'string',
    short: 'c',
    value: 'FILE',
    about: 'the configuration; default: outrigger.config.json of this folder; one that is code must be named',
  },
  host: { type: 'string', value: 'H', about: 'where it listens; default: 127.0.0.1, this machine alone' },
  port: { type: 'string', short: 'p', value: 'N', about: 'on which port; default: a free one at the first start, the same one ever after' },
  'admin-token-file': {
    type: 'string',
    value: 'F',
    about: 'the admin token, 0600; made where there is none; default: admin.token in the state folder',
  },
  'key-file': { type: 'string', value: 'F', about: 'a file that holds the key and that you alone can read (0600)' },
  'key-command': {
    type: 'string',
    value: 'CMD',
    about: 'a command that prints the key, as of a keychain; run without a shell',
  },
  state: { type: 'string', value: 'DIR', about: 'what is found again at the next start; default: .context/serve' },
  'drain-ms': { type: 'string', value: 'MS', about: 'how long what runs may take when it is to end; default: 30000' },
}

/** How long what runs may take at the end, in milliseconds. */
export const drainMsByDefault = 30_000

/** A whole number that an option gives; `undefined` without it. @throws UsageError outside of its range */
export function wholeNumber({ options }: Pick<CommandIo, 'options'>, name: string, most: number): number | undefined {
  const text = options[name]
  if (typeof text !== 'string') return undefined
  if (/^\d{1,9}$/.test(text) && Number(text) <= most) return Number(text)
  throw new UsageError(`--${name} must be a whole number from 0 to ${most}, not ${JSON.stringify(text)}`)
}

/** What an option gives as text. */
export function textOf({ options }: Pick<CommandIo, 'options'>, name: string): string | undefined {
  const text = options[name]
  return typeof text === 'string' ? text : undefined
}
