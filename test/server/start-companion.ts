import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerLimits } from 'outrigger/server'
import { compiled } from '../support/compiled.js'

/** What a companion in a process of its own says of itself, after garbage collection. */
export interface CompanionFacts {
  readonly baseURL: string
  /** Requests that went upstream. */
  readonly sent: number
  /** Requests that are open. */
  readonly open: number
  readonly sockets: number
  /** Bytes in use. */
  readonly heap: number
}

export interface StartedCompanion {
  readonly baseURL: string
  facts(): Promise<CompanionFacts>
  /** Ends the process. */
  stop(): Promise<void>
}

/** Starts a companion with agents `a` and `b` in a process of its own, before an upstream within it that always answers. */
export async function startCompanion(limits: ServerLimits = {}): Promise<StartedCompanion> {
  const folder = compiled({ 'companion-process': join(__dirname, 'companion-process.ts') })
  const child = fork(join(folder, 'companion-process.js'), [JSON.stringify(limits)], { execArgv: ['--expose-gc'], stdio: 'inherit' })
  const facts = () => factsOf(child)
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.disconnect()
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
  return { baseURL: (await facts()).baseURL, facts, stop }
}

async function factsOf(child: ChildProcess): Promise<CompanionFacts> {
  child.send('facts')
  const [facts] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the companion has ended with ${code}`))),
  ])
  return facts as CompanionFacts
}
