import { parseArgs } from 'node:util'
import { type Command, type OptionValues, UsageError } from './command.js'
import { nearest } from './nearest.js'

/** A command line, taken apart by a command's own table. */
export interface ParsedOptions {
  readonly args: readonly string[]
  readonly options: OptionValues
  readonly rest: readonly string[] | undefined
}

type Token = ReturnType<typeof tokensOf>[number]
type OptionToken = Extract<Token, { kind: 'option' }>

function tokensOf(argv: readonly string[], command: Command) {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, short }]) => [name, short ? { type, short } : { type }]),
  )
  const { isArgument = () => false } = command
  const hidden = argv.map((text, at) => (text.startsWith('-') && isArgument(text) ? `\0${at}` : text))
  const { tokens } = parseArgs({ args: hidden, options, strict: false, allowPositionals: true, tokens: true })
  return tokens.map(token => ('value' in token ? withValue(token, argv) : token))
}

/** Nothing on a command line holds U+0000: what begins with it stands for an argument that looks like an option. */
function withValue<T extends { readonly value?: string | undefined }>(token: T, argv: readonly string[]): T {
  return token.value?.startsWith('\0') ? { ...token, value: argv[Number(token.value.slice(1))]! } : token
}

function unknownOption(token: OptionToken, command: Command, called: string): UsageError {
  const meant = nearest(token.name, Object.keys(command.options))
  return new UsageError(`unknown option ${token.rawName}; ${meant ? `did you mean --${meant}?` : `see ${called} --help`}`)
}

function valueGiven(token: OptionToken, command: Command, called: string): string | boolean {
  const option = Object.hasOwn(command.options, token.name) ? command.options[token.name] : undefined
  if (!option) throw unknownOption(token, command, called)
  if (option.type === 'boolean') {
    if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value; write ${token.rawName} alone`)
    return true
  }
  const eaten = token.value?.startsWith('-') && token.value !== '-' && !token.inlineValue
  if (token.value === undefined || token.value === '' || eaten)
    throw new UsageError(`${token.rawName} needs a value; write ${token.rawName}=${option.value ?? 'VALUE'}`)
  return token.value
}

function checkCount(args: readonly string[], [least, most]: readonly [number, number], called: string): void {
  if (args.length < least) throw new UsageError(`too few arguments: ${args.length} of ${least}; see ${called} --help`)
  if (args.length > most) throw new UsageError(`unexpected argument "${args[most]}"; see ${called} --help`)
}

/**
 * Takes a command line apart.
 * @param called - how the command is called, for messages: `outrigger ctx log`
 * @throws UsageError that says what to write instead
 */
export function parseOptions(argv: readonly string[], command: Command, called: string): ParsedOptions {
  const split = argv.indexOf('--')
  const own = split < 0 ? argv : argv.slice(0, split)
  const tokens = tokensOf(own, command)
  const named = tokens.filter(token => token.kind === 'option').map(token => [token.name, valueGiven(token, command, called)] as const)
  const args = tokens.filter(token => token.kind === 'positional').map(token => token.value)
  const options = Object.fromEntries(named)
  if (!options.help) checkCount(args, command.args, called)
  return { args, options, rest: split < 0 ? undefined : argv.slice(split + 1) }
}
