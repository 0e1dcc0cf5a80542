import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isUtf8 } from 'node:buffer'
import { type CommandIo, UsageError } from '../command.js'
import { explained } from './statement-argument.js'

/** How the file `-` is called in messages. */
const standardInput = 'standard input'
const mostFaults = 20

/**
 * The text of a file of statements; `-` is standard input.
 * @throws UsageError where it cannot be read, is not UTF-8 or holds nothing
 */
export async function readStatements(io: CommandIo, file: string): Promise<string> {
  const bytes = file === '-' ? await bytesOfStdin(io) : await bytesOf(io, file)
  if (!isUtf8(bytes)) throw new UsageError(`${nameOf(file)} is not UTF-8; write it as UTF-8, a statement a line`)
  const text = bytes.toString().replace(/^\uFEFF/, '')
  if (text.trim() === '') throw new UsageError(`there is no statement in ${nameOf(file)}; it holds one a line`)
  return text
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
 * Does something with every line that `CTXParser.parseAll` reads, for its faults alone.
 * @throws UsageError that names line and place of each fault; nothing where there is none
 */
export function checkEach(file: string, text: string, work: (statement: string) => void): void {
  const faults = text.split(/\r\n|\n|\r/).flatMap((line, at) => {
    if (line.trim() === '') return []
    return faultOf(() => explained(line, () => work(line), `${nameOf(file)}:${at + 1}: `)) ?? []
  })
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
