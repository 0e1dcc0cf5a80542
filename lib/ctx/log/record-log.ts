/** One log that is open for writing: append-only, one writer. */
export interface LogHandle {
  readonly id: string
  /** It was made by this opening, and is empty. */
  readonly fresh: boolean
  /** What stands in it, from the start. */
  read(): AsyncIterable<Uint8Array>
  /** Cuts off what stands behind `bytes`: the torn line that a crash left. */
  cut(bytes: number): Promise<void>
  /**
   * Appends whole lines. The bytes are read before it returns: what becomes of their memory later does not matter. `undefined`: durable at once; else it resolves when they are. After one failure the log is stopped: this and every
   * later call rejects, and what stands in it still ends with a whole line, as far as the disk allows.
   */
  append(lines: Uint8Array): Promise<void> | undefined
  /** Ends the writing. `finished: false` leaves it to be recovered, like a crash. */
  close(options: { readonly finished: boolean }): Promise<void>
}

/** Where logs are kept: a folder, or memory. */
export interface RecordLog {
  /** For people: the folder, or `memory`. */
  readonly where: string
  /**
   * A new log under this name, open for writing. A name that is taken gets a number.
   * @throws SigningError where it cannot be made
   */
  create(id: string): Promise<LogHandle>
  /** A log whose id is `prefix` and a start (see `isLogOf`), left behind by a writer that is gone; `undefined` where there is none, or somebody else takes it. */
  resume(prefix: string): Promise<LogHandle | undefined>
  /**
   * A log that was given up, open for writing again; `undefined` where somebody living holds it. Where a store has none of this, nobody goes on
   * with a log that was parked.
   */
  reopen?(id: string): Promise<LogHandle | undefined>
  /** The ids of all logs, in order. */
  list(): Promise<readonly string[]>
  /** What stands in a log. @throws SigningError where there is none */
  read(id: string): AsyncIterable<Uint8Array>
  /** Is somebody writing to it, or was it left behind by a crash? A closed log is `done`. */
  state(id: string): Promise<'open' | 'left' | 'done'>
}
