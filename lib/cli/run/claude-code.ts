import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keepForItself } from '../../core/own-files.js'
import type { CommandIo } from '../command.js'
import { isClaude, withHook } from '../hook/claude-settings.js'
import type { HostProcess } from '../host-process.js'

/** A command line as it is started, and what takes away what was written for it. */
export interface Prepared {
  readonly command: readonly string[]
  forget(): void
}

/**
 * Claude Code gets our hook for this run, with the settings of the user; any other command stays as it is.
 * @throws UsageError where the hook would not be run
 */
export function withOurHook(command: readonly string[], { cwd, env }: CommandIo, { again }: HostProcess): Prepared {
  if (!isClaude(command)) return { command, forget: () => {} }
  const files = new SettingsFile()
  try {
    const hooked = withHook(command, [...again, 'hook'], cwd, { env, place: text => files.write(text) })
    return { command: hooked, forget: () => files.remove() }
  } catch (error) {
    files.remove()
    throw error
  }
}

/** A settings file may hold secrets of the user: it is his alone, and gone when the command has ended. */
class SettingsFile {
  #folder: string | undefined

  write(text: string): string {
    this.#folder = mkdtempSync(join(tmpdir(), 'outrigger-claude-'))
    keepForItself(this.#folder)
    const path = join(this.#folder, 'settings.json')
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
    return path
  }

  remove(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
  }
}
