import type { Clock } from '../core/clock.js'
import type { HostProcess } from './host-process.js'
import type { Terminal } from './terminal.js'

/** One option of a command. The key in the table is its long name, without the dashes. */
export interface CommandOption {
  readonly type: 'string' | 'boolean'
  /** One letter: `-c`. */
  readonly short?: string
  /** What stands for the value in the help: `FILE`. */
  readonly value?: string
  /** One line for the help. */
  readonly about: string
}

/** Where a command writes: a stream, or a test's array. */
export interface Writer {
  write(text: string): unknown
}

/** The world as a command sees it. Nothing in a command reads `process`. */
export interface Io {
  readonly stdout: Writer
  readonly stderr: Writer
  /** Begins to read standard input. */
  readonly stdin?: () => AsyncIterable<Uint8Array>
  /** The terminal, where standard input and output are one. Opens standard input: never beside a child that inherits it. */
  readonly terminal?: () => Terminal | undefined
  /** Fires at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute. */
  readonly cwd: string
  /** Default: the real one. */
  readonly clock?: Clock
  /** Imports a module by its URL. Default: `import()`. */
  readonly importModule?: (url: string) => Promise<unknown>
  /** The process itself, for a command that starts programs. */
  readonly process?: HostProcess
}

/** What the options of a call come to: a string, or true for a flag that was given. */
export type OptionValues = Readonly<Record<string, string | boolean | undefined>>

/** The world of one call of a command, with its parsed command line. */
export interface CommandIo extends Io {
  /** Positional arguments, in order. */
  readonly args: readonly string[]
  readonly options: OptionValues
  /** What stands after `--`, untouched; `undefined` without a `--`. */
  readonly rest: readonly string[] | undefined
}

/** One command: data for the help and the parser, and the function that does it. */
export interface Command {
  /** What stands after the command's name in the help: `[--config FILE]`. */
  readonly usage: string
  readonly options: Readonly<Record<string, CommandOption>>
  /** Lines at the end of the help. */
  readonly notes?: readonly string[]
  /** How many positional arguments it takes: `[least, most]`. */
  readonly args: readonly [number, number]
  /** Is this an argument, although it begins with `-`? Default: nothing is. */
  readonly isArgument?: (text: string) => boolean
  /** Resolves to an exit code of `exitCodes`. @throws UsageError for wrong use. */
  run(io: CommandIo): Promise<number>
}

/** A row of the command table. */
export type CommandEntry = CommandLeaf | CommandGroup

/** One command. It is loaded when it is called or its help is asked for. */
export interface CommandLeaf {
  readonly name: string
  /** One line for the help. */
  readonly summary: string
  load(): Promise<Command>
}

/** A command that has commands of its own: `outrigger ctx verify`. */
export interface CommandGroup {
  readonly name: string
  /** One line for the help. */
  readonly summary: string
  readonly commands: readonly CommandEntry[]
}

/** The exit codes of every command. `interrupted` is the shell's own figure for a program that SIGINT ended. */
export const exitCodes: Readonly<Record<'fine' | 'failed' | 'usage' | 'stopped' | 'interrupted', number>> = {
  fine: 0,
  failed: 1,
  usage: 2,
  stopped: 125,
  interrupted: 130,
}

/** The command line is wrong; the message says in one line what to write. Ends the process with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  /** Lines that are printed below the message: where it is wrong. */
  readonly below: readonly string[]

  constructor(message: string, below: readonly string[] = []) {
    super(message)
    this.below = below
  }
}
