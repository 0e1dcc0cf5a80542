import type { Clock } from '../../core/clock.js'
import type { Child, Ended } from './child.js'
import type { ProcessTree } from './process-tree.js'

/** How the command came to its end. */
export interface Ending {
  readonly ended: Ended
  /** It did not end by itself: its tree was ended. */
  readonly byUs: boolean
  /** Processes that could not be ended. */
  readonly left: readonly number[]
}

/** How often it looks who is there, so that whoever loses its parent is known, in milliseconds. */
const everyMs = 500

/**
 * Remembers the tree for as long as the command runs; returns what stops it.
 * @param halts - the command has halted itself, and nobody but its parent, which we are, can see that: the shell waits for us
 */
export function remember(tree: ProcessTree, clock: Pick<Clock, 'after'>, halts: () => void): () => void {
  let forget = () => {}
  let before = false
  const look = (): void => {
    tree.look()
    // Ctrl-Z halts us too, and we may be the first to go on.
    if (before && tree.isHalted) halts()
    before = !before && tree.isHalted
    forget = clock.after(everyMs, look)
  }
  look()
  return () => forget()
}

/**
 * Waits for the command, or for `due`: then the whole tree is ended, the command with it.
 * @param due - resolves when nobody is to wait any longer
 * @param isToEnd - is what the command leaves behind to be ended too, now that it has ended by itself?
 */
export async function untilEnded(child: Child, tree: ProcessTree, due: Promise<unknown>, isToEnd: () => boolean): Promise<Ending> {
  const byUs = await Promise.race([child.ended.then(() => false), due.then(() => true)])
  const left = byUs || isToEnd() ? await tree.end() : []
  const ended = left.includes(child.pid) ? notEnded : await child.ended
  return { ended, byUs, left }
}

/** What the system itself cannot end has no exit code. */
const notEnded: Ended = { code: null, signal: 'SIGKILL' }
