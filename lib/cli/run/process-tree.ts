import { type Clock, systemClock } from '../../core/clock.js'
import { listProcesses, type ProcessFacts, withInEnvironment } from './process-list.js'

/** The process that a tree grows from. JSON. */
export interface TreeRoot {
  readonly pid: number
  /** As the list of processes tells it. */
  readonly startedAt: string
  /** It began a process group and a session of its own. */
  readonly ownGroup: boolean
  /** Stands in its environment and in nobody else's: finds what it has started and let go. */
  readonly marker: string
}

/** How the machine is seen. Default: as it is. */
export interface Machine {
  list(): readonly ProcessFacts[]
  withInEnvironment(text: string): ReadonlySet<number>
  kill(pid: number, signal: NodeJS.Signals): void
}

const machine: Machine = {
  list: () => listProcesses(),
  withInEnvironment: text => withInEnvironment(text),
  kill: (pid, signal) => void process.kill(pid, signal),
}

/** When the process of an id began; `undefined` where there is none. */
export function startOf(pid: number): string | undefined {
  return machine.list().find(facts => facts.pid === pid)?.startedAt
}

interface Member {
  readonly startedAt: string
  readonly depth: number
}

/** How long it waits before it asks less kindly, in milliseconds, and how often it looks meanwhile. */
const patience = { termMs: 2_000, everyMs: 20, killMs: 5_000 }

/**
 * A process and everything that comes from it. Whoever has lost its parent is still known when it was seen before, when it is of the group or the
 * session of the first one, or when the marker stands in its environment (Linux). What began a session of its own, lost its parent and took the
 * marker out before anybody looked is not found.
 */
export class ProcessTree {
  readonly #root: TreeRoot
  readonly #machine: Machine
  #seen: ReadonlyMap<number, Member>
  #rootHalts = false

  constructor(root: TreeRoot, on: Machine = machine) {
    this.#root = root
    this.#machine = on
    this.#seen = new Map([[root.pid, { startedAt: root.startedAt, depth: 0 }]])
  }

  /** Looks who is there, and remembers it. @returns their ids, leaf first */
  look(marked: ReadonlySet<number> = new Set()): readonly number[] {
    const alive = this.#machine.list().filter(({ ended, pid }) => !ended && pid !== process.pid && pid !== process.ppid)
    const members = new Map<number, Member>()
    const below = childrenOf(alive)
    const add = (facts: ProcessFacts, depth: number): void => {
      members.set(facts.pid, { startedAt: facts.startedAt, depth })
      for (const child of below.get(facts.pid) ?? []) if (!members.has(child.pid)) add(child, depth + 1)
    }
    const known = alive.filter(facts => this.#isKnown(facts) || this.#isOfGroup(facts, alive) || marked.has(facts.pid))
    const ids = new Set(known.map(({ pid }) => pid))
    for (const facts of known) if (!ids.has(facts.parent)) add(facts, this.#depthOf(facts))
    this.#seen = members
    this.#rootHalts = alive.some(({ pid, halted }) => pid === this.#root.pid && halted)
    return [...members].sort(([, a], [, b]) => b.depth - a.depth).map(([pid]) => pid)
  }

  /** Was the first one halted when it was looked at? */
  get isHalted(): boolean {
    return this.#rootHalts
  }

  /**
   * Ends them all, leaf first: all are halted, so that nobody goes on to its next step because another one ended; then SIGTERM, then, after two
   * seconds, SIGKILL, to whoever has come meanwhile as well.
   * @returns the ids of those that could not be ended
   */
  async end(clock: Pick<Clock, 'monotonic' | 'after'> = systemClock): Promise<readonly number[]> {
    const asked = new Set<string>()
    const ask = (pids: readonly number[]): void => {
      const fresh = pids.filter(pid => !asked.has(this.#nameOf(pid)))
      for (const pid of fresh) asked.add(this.#nameOf(pid))
      // Who halts its starter first is not outrun by what that one starts.
      for (const signal of ['SIGSTOP', 'SIGTERM', 'SIGCONT'] as const) this.#tell(signal === 'SIGSTOP' ? fresh.toReversed() : fresh, signal)
    }
    if (await this.#until(patience.termMs, clock, ask)) return []
    await this.#until(patience.killMs, clock, pids => this.#tell(pids, 'SIGKILL'))
    return this.#lookHard()
  }

  /** Ends them all at once, without another word: for a process that is about to be gone itself. */
  endNow(): void {
    this.#tell(this.#lookHard(), 'SIGKILL')
  }

  /** Does it to whoever is there until nobody is. Resolves to whether that came in time. */
  async #until(ms: number, clock: Pick<Clock, 'monotonic' | 'after'>, work: (pids: readonly number[]) => void): Promise<boolean> {
    const last = clock.monotonic() + ms
    for (let there = this.#lookHard(); there.length > 0; there = this.#lookHard()) {
      if (clock.monotonic() >= last) return false
      work(there)
      await new Promise<void>(resolve => void clock.after(patience.everyMs, resolve, { awaited: true }))
    }
    return true
  }

  #lookHard(): readonly number[] {
    return this.look(this.#machine.withInEnvironment(this.#root.marker))
  }

  #tell(pids: readonly number[], signal: NodeJS.Signals): void {
    const now = new Map(this.#machine.list().map(facts => [facts.pid, facts.startedAt]))
    for (const pid of pids) if (now.get(pid) === this.#seen.get(pid)?.startedAt) this.#kill(pid, signal)
  }

  /** It may have ended since. */
  #kill(pid: number, signal: NodeJS.Signals): void {
    try {
      this.#machine.kill(pid, signal)
    } catch {}
  }

  #nameOf(pid: number): string {
    return `${pid} ${this.#seen.get(pid)?.startedAt}`
  }

  #isKnown({ pid, startedAt }: ProcessFacts): boolean {
    return this.#seen.get(pid)?.startedAt === startedAt
  }

  #depthOf(facts: ProcessFacts): number {
    return this.#isKnown(facts) ? this.#seen.get(facts.pid)!.depth : 1
  }

  /** An id that another process has by now is not that of the group any more. */
  #isOfGroup({ group, session }: ProcessFacts, alive: readonly ProcessFacts[]): boolean {
    const { pid, ownGroup, startedAt } = this.#root
    if (!ownGroup || (group !== pid && session !== pid)) return false
    const leader = alive.find(facts => facts.pid === pid)
    return leader === undefined || leader.startedAt === startedAt
  }
}

function childrenOf(all: readonly ProcessFacts[]): ReadonlyMap<number, readonly ProcessFacts[]> {
  const below = new Map<number, ProcessFacts[]>()
  for (const facts of all) below.set(facts.parent, [...(below.get(facts.parent) ?? []), facts])
  return below
}
