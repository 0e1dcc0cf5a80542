/** Why nothing may happen, and what lifts it. */
export interface Halted {
  /** Who said so, and why. Without content. */
  readonly reason: string
  /** What to do, as the end of a sentence: `remove /srv/app/.context/kill to go on`. */
  readonly lift: string
}

/** A switch outside of the sidecar that stops everything for as long as it is set. */
export interface Halt {
  /** What it says now. Asked at every gate: it answers at once, from what it knows, and looks again only now and then. */
  now(): Halted | undefined
  /** Calls `look` once, soon: asked for while something is running, so that it does not run on. Keeps no process alive. */
  soon(look: () => void): void
}
