/** The process that a command runs in, for one that starts programs and hears signals. */
export interface HostProcess {
  readonly pid: number
  readonly platform: NodeJS.Platform
  /** What starts this program again: node, its flags, and the script. Never empty. */
  readonly again: readonly string[]
  /** What stands behind it. */
  readonly argv: readonly string[]
  /** Is one of the three standard streams a terminal? */
  readonly onTerminal: boolean
  /** Does `heard` at these signals in place of anything else; returns what stops it. */
  onSignals(signals: readonly NodeJS.Signals[], heard: (signal: NodeJS.Signals) => void): () => void
  /** Does `work` when this process ends, however it comes to that, except by a signal that cannot be heard; returns what forgets it. */
  atExit(work: () => void): () => void
  /** Halts this process, and the one that started it with a channel, until they are told to go on: as Ctrl-Z does. */
  halt(): void
  /** To the process that started this one with a channel; `undefined` for any other. */
  readonly channel?: HostChannel | undefined
}

/** An inherited pipe to the process that started this one. */
export interface HostChannel {
  /** The first message, JSON. Rejects when the other side goes away before. */
  receive(): Promise<unknown>
  send(message: object): void
  /** Calls `gone` when the other side has gone away. */
  onGone(gone: () => void): void
  /** Lets this process end. */
  close(): void
}
