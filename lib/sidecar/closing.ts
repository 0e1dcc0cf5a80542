import type { Runtime } from '../core/runtime.js'
import { within } from '../core/within.js'

/** How long what was aborted may take to unwind, in milliseconds. */
const unwindMs = 1_000

/** What ends with a sidecar: a port, a layer. */
interface Part {
  close?(): Promise<void>
}

/** The children of a sidecar. */
interface Family {
  close(drainMs: number): Promise<void>
}

/** Ends one sidecar in order: what runs, its children, ports, layers. */
export class Closing {
  readonly #runtime: Runtime
  readonly #drainMs: number

  constructor(runtime: Runtime, drainMs: number) {
    this.#runtime = runtime
    this.#drainMs = drainMs
  }

  /**
   * Resolves to what could not be closed; everything else is.
   * @param children - asked when what runs has ended: until then it may start its first one
   */
  async run(children: () => Family | undefined, parts: readonly Part[]): Promise<readonly unknown[]> {
    const runtime = this.#runtime
    const failed: unknown[] = []
    runtime.shut('closed')
    await within(runtime.clock, this.#drainMs, runtime.idle())
    const closeChildren = () => Promise.resolve(children()?.close(this.#drainMs)).catch(error => failed.push(error))
    await closeChildren()
    runtime.end('closed')
    // What was aborted books its end before the layers are closed; a layer that hangs is not waited for.
    await within(runtime.clock, unwindMs, runtime.idle())
    // Those that were started meanwhile have been reaped, and draw on what the layers keep until they have closed.
    await closeChildren()
    for (const part of parts) await this.#closePart(part).catch(error => failed.push(error))
    if (runtime.state !== 'failedReaped') runtime.become('dismissed', 'closed')
    return failed
  }

  async #closePart(part: Part): Promise<void> {
    const work = part.close?.()
    if (work) await within(this.#runtime.clock, Math.max(this.#drainMs, unwindMs), work)
  }
}
