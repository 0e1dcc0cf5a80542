import { type Clock, systemClock } from '../../core/clock.js'
import { SigningError } from '../../core/errors.js'
import { visible } from '../../ctx/language/escape.js'
import { fileLog } from '../../ctx/log/log-file.js'
import { digestOf, sealRecord } from '../../ctx/record/record.js'
import { proveRecord } from '../../ctx/verify/prove-record.js'
import { rewriteTranslations } from '../../ctx/record/rewrite-translations.js'
import { type Command, type CommandIo, exitCodes, UsageError } from '../command.js'
import { dirOption, folderOf } from './dir.js'
import { filterOf, filterOptions, refuseFilters } from './log-filter.js'
import { type Entry, LogTail, merged } from './log-tail.js'

const pollMs = 250

/**
 * `actx log`: the record of every agent in the order of time, a sentence each; or what can be made of the logs, the proof of one record and the files of
 * `translations/`. It shows what is written; `actx verify` says whether it is true.
 */
export const log: Command = {
  usage: '[--follow] [--agent NAME] [--log ID] [--phase P] [--since T] [--prove DIGEST | --rewrite WHICH] [--dir D]',
  options: {
    follow: { type: 'boolean', short: 'f', about: 'go on as records are written, until interrupted' },
    ...filterOptions,
    prove: {
      type: 'string',
      short: 'p',
      value: 'DIGEST',
      about: 'print what proves one record to whoever has the public key; 8 digits are enough',
    },
    rewrite: { type: 'string', value: 'WHICH', about: 'write the files of translations/ again from the logs: outcomes or all' },
    dir: dirOption,
  },
  args: [0, 0],
  async run(io) {
    const { follow: isFollowed, json, prove: digest, rewrite } = io.options
    if (isFollowed && json) throw new UsageError('--follow has no end, and --json prints one document; leave one of them out')
    if ([isFollowed, digest, rewrite].filter(given => given !== undefined).length > 1)
      throw new UsageError('--follow, --prove and --rewrite are three tasks; leave two of them out')
    if (digest !== undefined || rewrite !== undefined) refuseFilters(io)
    if (typeof digest === 'string') return prove(io, digest)
    if (typeof rewrite === 'string') return rewriteFiles(io, rewrite)
    const { dir, shown } = folderOf(io)
    const tails = new Map<string, LogTail>()
    const print = io.options.json ? printJson(io) : printLines(io)
    const isWanted = filterOf(io, (io.clock ?? systemClock).now())
    const printFresh = () => printAll(io, dir, tails, entry => void (isWanted(entry) && print.entry(entry)))
    await printFresh()
    if (tails.size === 0 && !io.options.follow) throw new UsageError(`there is no record in ${shown}; name its folder with --dir`)
    print.end()
    return io.options.follow ? follow(io, printFresh) : exitCodes.fine
  },
}

/** One document of JSON, with `--json` and without. */
async function prove(io: CommandIo, digest: string): Promise<number> {
  const proof = await refusing(io, () => proveRecord(folderOf(io).dir, { digest }))
  if (proof) io.stdout.write(`${JSON.stringify(proof, null, 2)}\n`)
  return proof ? exitCodes.fine : exitCodes.failed
}

async function rewriteFiles(io: CommandIo, files: string): Promise<number> {
  if (files !== 'outcomes' && files !== 'all') throw new UsageError(`--rewrite takes outcomes or all, not "${files}"`)
  const { dir, shown } = folderOf(io)
  const found = await refusing(io, () => rewriteTranslations(dir, { files }))
  if (!found) return exitCodes.failed
  if (io.options.json) io.stdout.write(`${JSON.stringify(found, null, 2)}\n`)
  else io.stdout.write(`${found.written} records written below ${visible(shown)}/translations\n`)
  if (found.unreadable > 0 && !io.options.json) io.stderr.write(`actx log: ${found.unreadable} lines are no records; see actx verify\n`)
  return found.unreadable > 0 ? exitCodes.failed : exitCodes.fine
}

/** What the logs do not give is an answer, not a fault of the program. */
async function refusing<T>(io: CommandIo, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError((error as Error).message)
    if (!(error instanceof RangeError || error instanceof SigningError)) throw error
    io.stderr.write(`actx log: ${visible(error.message)}\n`)
  }
}

async function printAll(io: CommandIo, dir: string, tails: Map<string, LogTail>, print: (entry: Entry) => void): Promise<void> {
  for (const id of await fileLog({ dir }).list()) if (!tails.has(id)) tails.set(id, new LogTail(dir, id))
  for await (const entry of merged([...tails.values()])) {
    if (io.signal.aborted) return
    print(entry)
  }
}

async function follow(io: CommandIo, more: () => Promise<void>): Promise<number> {
  while (!io.signal.aborted) {
    await pause(io.signal, io.clock ?? systemClock)
    if (!io.signal.aborted) await more()
  }
  return exitCodes.interrupted
}

function pause(signal: AbortSignal, clock: Clock): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      forget()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const forget = clock.after(pollMs, done, { awaited: true })
    signal.addEventListener('abort', done, { once: true })
  })
}

interface Printer {
  entry(entry: Entry): void
  end(): void
}

/** Nothing of a log moves the cursor or changes the terminal: what nobody sees is shown as an escape. */
function printLines(io: CommandIo): Printer {
  return {
    entry({ log, at, record, unreadable }) {
      if (record)
        io.stdout.write(`${timeOf(at)}  ${visible(record.body.agent)}  ${record.body.phase.padEnd(7)}  ${visible(record.body.human)}\n`)
      else io.stderr.write(`actx log: a line of ${visible(log)} ${unreadable}; see actx verify\n`)
    },
    end() {},
  }
}

/** One document, written as it is read. */
function printJson(io: CommandIo): Printer {
  let joint = '{ "records": ['
  return {
    entry({ log, record, unreadable }) {
      const shown = record ? { ...record.body, digest: digestOf(sealRecord(record.text)) } : { log, unreadable }
      io.stdout.write(`${joint}\n  ${JSON.stringify(shown)}`)
      joint = ','
    },
    end: () => void io.stdout.write(joint === ',' ? '\n] }\n' : `${joint}] }\n`),
  }
}

const timeOf = (at: number): string => (Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : `${at}`)
