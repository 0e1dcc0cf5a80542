import { randomBytes } from 'node:crypto'
import { readdirSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../../core/errors.js'
import { keepForItself } from '../../core/own-files.js'
import { type LockFile, takeLock } from '../../ctx/log/lock-file.js'
import { privateFolder, readPrivateFile, removePrivateFile, writePrivateFile } from '../../server/files/private-file.js'
import { UsageError } from '../command.js'
import { type KeptAgent, keptText, parseKept } from './kept-agent.js'

/**
 * What a companion finds again when it is started anew: its agents, their tokens, the tokens of its own. Every file is 0600 and written as a whole; what a
 * call has returned from is on the disk. One process at a time.
 */
export class StateFolder {
  readonly dir: string
  readonly #lock: LockFile
  readonly #agents = new Map<string, KeptAgent>()

  private constructor(dir: string, lock: LockFile) {
    this.dir = dir
    this.#lock = lock
  }

  /** @throws UsageError where another process has it; ConfigError or SigningError where it, or a file in it, is not as it was written */
  static async open(dir: string): Promise<StateFolder> {
    keepForItself(dir)
    for (const folder of [dir, join(dir, 'agents'), join(dir, 'tokens')]) privateFolder(folder)
    const lock = await takeLock(realpathSync(dir))
    if (!lock) throw new UsageError(`another companion has the state folder ${dir}; end it first, or name another folder with --state`)
    try {
      const state = new StateFolder(dir, lock)
      state.#read()
      return state
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  get agents(): readonly KeptAgent[] {
    return [...this.#agents.values()]
  }

  agent(name: string): KeptAgent | undefined {
    return this.#agents.get(name)
  }

  /** Where the token of an agent is kept. */
  tokenFile(name: string): string {
    return join(this.dir, 'tokens', `${fileName(name)}.token`)
  }

  /** The token of an agent. @throws ConfigError where there is none */
  token(name: string): string {
    const token = tokenAt(this.tokenFile(name))
    if (token !== undefined) return token
    throw new ConfigError(`${this.tokenFile(name)} is gone; put the token of "${name}" back, or take ${this.#fileOf(name)} away`)
  }

  /** Keeps an agent. Its token goes first: the file of the agent says that it is there. */
  keep(agent: KeptAgent, token?: string): void {
    if (token !== undefined) writePrivateFile(this.tokenFile(agent.name), `${token}\n`)
    writePrivateFile(this.#fileOf(agent.name), keptText(agent))
    this.#agents.set(agent.name, agent)
  }

  /** Notes what has changed of an agent; one that is not kept any more stays forgotten. */
  change(name: string, change: Partial<Pick<KeptAgent, 'paused' | 'reaped'>>): void {
    const agent = this.#agents.get(name)
    if (!agent) return
    const changed = { ...agent, ...change }
    if (changed.paused !== agent.paused || changed.reaped !== agent.reaped) this.keep(changed)
  }

  /** Forgets an agent and its token. */
  forget(name: string): void {
    removePrivateFile(this.#fileOf(name))
    this.#agents.delete(name)
    removePrivateFile(this.tokenFile(name))
  }

  /** A word that is kept, made where there is none yet. */
  word(name: string, make: () => string): string {
    return wordAt(join(this.dir, name), make)
  }

  /** Keeps another word in its place. */
  setWord(name: string, word: string): void {
    if (this.word(name, () => word) !== word) writePrivateFile(join(this.dir, name), `${word}\n`)
  }

  async close(): Promise<void> {
    await this.#lock.release()
  }

  #fileOf(name: string): string {
    return join(this.dir, 'agents', `${fileName(name)}.json`)
  }

  #read(): void {
    for (const file of this.#namesIn('agents')) {
      const agent = this.#kept(join(this.dir, 'agents', file))
      this.#agents.set(agent.name, agent)
    }
    const known = new Set(this.agents.map(({ name }) => `${fileName(name)}.token`))
    // The process ended between the token and its agent: nobody was told of it.
    for (const file of this.#namesIn('tokens')) if (!known.has(file)) rmSync(join(this.dir, 'tokens', file), { force: true })
  }

  #kept(path: string): KeptAgent {
    const agent = parseKept(readPrivateFile(path) ?? '')
    // An agent that was paused must not come back free, or not at all.
    if (agent && path === this.#fileOf(agent.name)) return agent
    throw new ConfigError(`${path} is not as it was written; put it back as it was, or take it away to forget the agent`, { path })
  }

  /** Files that were being written when the process ended begin with a dot: they are taken away. */
  #namesIn(folder: string): readonly string[] {
    const names = readdirSync(join(this.dir, folder))
    for (const name of names) if (name.startsWith('.')) rmSync(join(this.dir, folder, name), { force: true })
    return names.filter(name => !name.startsWith('.'))
  }
}

/** A name as a file: where large letters are small ones to a file system, no two names become one. */
const fileName = (name: string): string => name.replace(/[A-Z]/g, letter => `+${letter.toLowerCase()}`)

/** A token that nobody can guess. */
export const newToken = (): string => `outrigger-${randomBytes(24).toString('base64url')}`

/**
 * The token in a file that its owner alone can read; made where there is none.
 * @throws ConfigError where it holds none, or others may read it
 */
export function tokenIn(path: string): string {
  keepForItself(path)
  return wordAt(path, newToken)
}

function wordAt(path: string, make: () => string): string {
  const there = tokenAt(path)
  if (there !== undefined) return there
  const word = make()
  writePrivateFile(path, `${word}\n`)
  return word
}

function tokenAt(path: string): string | undefined {
  const text = readPrivateFile(path)?.trim()
  if (text === undefined || /^[\x21-\x7e]+$/.test(text)) return text
  throw new ConfigError(`${path} must hold one word of printable ASCII characters; write it again, or take it away for a new one`, { path })
}
