import type { HostProcess } from '../host-process.js'

/**
 * Does the work in a process that does not open node's debugger at SIGUSR1, where the key could be read: from before the key is there, which a keychain
 * may ask a person for, until after the work.
 */
export async function withoutDebugger<T>(host: HostProcess | undefined, work: () => Promise<T>): Promise<T> {
  const restore = host?.onSignals(['SIGUSR1'], () => {})
  try {
    return await work()
  } finally {
    restore?.()
  }
}
