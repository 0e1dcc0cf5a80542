import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { keepForItself } from '../core/own-files.js'
import { privateFolder, readPrivateFile, removePrivateFile, writePrivateFile } from './files/private-file.js'

/** How a companion that runs is reached. */
export interface CompanionFacts {
  readonly pid: number
  readonly baseURL: string
  /** Opens what can only tighten. */
  readonly watchToken: string
  /** Opens everything. There only where whoever started it asked for that: an agent of the same user could read it. */
  readonly adminToken?: string
  /** What it governs, in a word: the name of the command. */
  readonly command?: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
}

const folderIn = (dir: string): string => join(dir, 'companions')
const fileOf = (dir: string, pid: number): string => join(folderIn(dir), `${pid}.json`)
const nameOf = /^(\d{1,9})\.json$/

/**
 * Says how a companion is reached, in `companions/<pid>.json` of a record folder: 0600 in a folder of 0700, and kept from agents.
 * @throws ConfigError or SigningError where a link, or what is another user's or open to others, stands in its place
 */
export function writeCompanionFile(dir: string, facts: CompanionFacts): void {
  keepForItself(folderIn(dir))
  privateFolder(folderIn(dir))
  writePrivateFile(fileOf(dir, facts.pid), `${JSON.stringify(facts)}\n`)
}

/** Takes away what `writeCompanionFile` wrote. Never throws: at the end of a process nobody can do anything about it. */
export function removeCompanionFile(dir: string, pid: number = process.pid): void {
  try {
    removePrivateFile(fileOf(dir, pid))
  } catch {
    // The process is gone soon, and then the file is stale.
  }
}

/**
 * The companions of a record folder that run, the newest first. The file of a process that is gone is taken away; what is not ours, or cannot be
 * read, is passed by.
 */
export function findCompanions(dir: string): readonly CompanionFacts[] {
  const pids = namesIn(folderIn(dir)).flatMap(name => (nameOf.test(name) ? [Number(nameOf.exec(name)![1])] : []))
  return pids.flatMap(pid => running(dir, pid)).sort((a, b) => b.startedAt - a.startedAt)
}

/** A folder that is a link is nobody's. */
function namesIn(folder: string): readonly string[] {
  try {
    return lstatSync(folder).isDirectory() ? readdirSync(folder) : []
  } catch {
    return []
  }
}

function running(dir: string, pid: number): readonly CompanionFacts[] {
  const facts = factsIn(fileOf(dir, pid))
  if (facts?.pid !== pid) return []
  if (isRunning(pid)) return [facts]
  removeCompanionFile(dir, pid)
  return []
}

function factsIn(path: string): CompanionFacts | undefined {
  try {
    const facts = JSON.parse(readPrivateFile(path) ?? 'null') as Partial<CompanionFacts> | null
    return isFacts(facts) ? facts : undefined
  } catch {
    return undefined
  }
}

function isFacts(facts: Partial<CompanionFacts> | null): facts is CompanionFacts {
  if (typeof facts !== 'object' || facts === null) return false
  const { pid, baseURL, watchToken, adminToken = '', command = '', startedAt } = facts
  return [pid, startedAt].every(Number.isSafeInteger) && [baseURL, watchToken, adminToken, command].every(text => typeof text === 'string')
}

/** One of another user counts: its number is not free. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
