import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isUtf8 } from 'node:buffer'
import { type CommandIo, UsageError } from '../command.js'
import { explained } from './statement-argument.js'

/** A statement of a file. */
export interface PlacedStatement {
  readonly text: string
  /** From 1. */
  readonly line: number
}

/** How the file `-` is called in messages. */
const standardInput = 'standard input'
const mostFaults = 20

/** The statements of a text: one a line, whatever ends it; a line of white space is none. */
function statementsIn(text: string): readonly PlacedStatement[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  return lines.map((line, at) => ({ text: line, line: at + 1 })).filter(({ text: line }) => line.trim() !== '')
}

/**
 * The statements of a file, one a line; `-` is standard input.
 * @throws UsageError where it cannot be read, is not UTF-8 or holds none
 */
export async function readStatements(io: CommandIo, file: string): Promise<readonly PlacedStatement[]> {
  const bytes = file === '-' ? await bytesOfStdin(io) : await bytesOf(io, file)
  const name = nameOf(file)
  if (!isUtf8(bytes)) throw new UsageError(`${name} is not UTF-8; write it as UTF-8, a statement a line`)
  const statements = statementsIn(bytes.toString())
  if (statements.length === 0) throw new UsageError(`there is no statement in ${name}; it holds one a line`)
  return statements
}

async function bytesOf({ cwd }: CommandIo, file: string): Promise<Buffer> {
  try {
    return await readFile(resolve(cwd, file))
  } catch (error) {
    throw new UsageError(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}); --batch takes a file of statements, one a line`,
    )
  }
}

async function bytesOfStdin({ stdin, signal }: CommandIo): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of stdin?.() ?? []) chunks.push(chunk)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
  return Buffer.concat(chunks)
}

/**
 * Does something with every statement of a file, for its faults alone.
 * @throws UsageError that names line and place of each fault; nothing where there is none
 */
export function checkEach(file: string, statements: readonly PlacedStatement[], work: (text: string) => void): void {
  const faults = statements.flatMap(({ text, line }) => faultOf(() => explained(text, () => work(text), `${nameOf(file)}:${line}: `)) ?? [])
  const [first, ...others] = faults
  if (!first) return
  const shown = others.slice(0, mostFaults - 1).flatMap(({ message, below }) => [message, ...below])
  const more = faults.length > mostFaults ? [`and ${faults.length - mostFaults} more`] : []
  throw new UsageError(first.message, [...first.below, ...shown, ...more])
}

function faultOf(work: () => void): UsageError | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof UsageError) return error
    throw error
  }
}

const nameOf = (file: string): string => (file === '-' ? standardInput : file)
