type Listener = (reason: unknown) => void

/**
 * One node of the abort tree: sidecar > action > attempt > nested action. Abort runs down; a scope that has ended hangs on nothing. The
 * `AbortSignal` is made only when somebody asks for it.
 */
export class Scope {
  // TypeScript's `private` in this file and in context.ts: both are made for every action, and private names of the language cost more.
  private parent: Scope | undefined = undefined
  private child: Scope | undefined = undefined
  private before: Scope | undefined = undefined
  private after: Scope | undefined = undefined
  private handlers: Set<Listener> | undefined = undefined
  private controller: AbortController | undefined = undefined
  private over = false
  aborted = false
  reason: unknown = undefined
  /** Called after everything below has heard of the abort. One place, not a listener: it costs nothing until then. */
  whenAborted: ((reason: unknown) => void) | undefined = undefined

  constructor(parent?: Scope) {
    if (!parent) return
    if (parent.aborted) this.abort(parent.reason)
    else this.hangOn(parent)
  }

  /** A signal with this scope's typed reason. */
  get signal(): AbortSignal {
    this.controller ??= new AbortController()
    if (this.aborted) this.controller.abort(this.reason)
    return this.controller.signal
  }

  /** Ends everything below with `reason`. The first reason stays. */
  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.controller?.abort(reason)
    const { handlers } = this
    this.handlers = undefined
    this.leave()
    for (let below = this.child; below; below = this.child) below.abort(reason)
    for (const handler of handlers ?? []) handler(reason)
    this.whenAborted?.(reason)
  }

  /** Ends what is running below, and not this scope: what comes later runs. What is over, and hangs here for others to hear of an abort, stays. */
  abortRunning(reason: unknown): void {
    const running: Scope[] = []
    for (let below = this.child; below; below = below.after) running.push(below)
    for (const below of running) {
      if (below.over) below.abortRunning(reason)
      else below.abort(reason)
    }
  }

  /** Was this scope aborted for this very reason? */
  gave(reason: unknown): boolean {
    return this.aborted && Object.is(reason, this.reason)
  }

  /** Calls `fn` once on abort (at once when it has happened); returns what forgets it. */
  onAbort(fn: Listener): () => void {
    if (this.aborted) {
      fn(this.reason)
      return () => {}
    }
    this.handlers ??= new Set()
    this.handlers.add(fn)
    return () => {
      this.handlers?.delete(fn)
      this.settle()
    }
  }

  /** Rejects with the reason as soon as this scope is aborted, whatever `work` does. */
  race<T>(work: Promise<T>): Promise<T> {
    if (this.aborted) return refuse(work, this.reason)
    return new Promise<T>((resolve, reject) => {
      const forget = this.onAbort(reject)
      work.then(
        value => {
          forget()
          resolve(value)
        },
        error => {
          forget()
          reject(error)
        },
      )
    })
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }

  /** The work is over: takes this scope out of its parent, as soon as nothing below is running any more. */
  end(): void {
    this.over = true
    this.settle()
  }

  /** How many listen below: 0 after everything has ended. */
  get listeners(): number {
    let count = this.handlers?.size ?? 0
    for (let below = this.child; below; below = below.after) count++
    return count
  }

  private settle(): void {
    if (this.over && this.child === undefined && !this.handlers?.size) this.leave()
  }

  private hangOn(parent: Scope): void {
    this.parent = parent
    this.after = parent.child
    if (this.after) this.after.before = this
    parent.child = this
  }

  private leave(): void {
    const { parent, before, after } = this
    if (!parent) return
    if (before) before.after = after
    else parent.child = after
    if (after) after.before = before
    this.parent = undefined
    this.before = undefined
    this.after = undefined
    parent.settle()
  }
}

function refuse<T>(work: Promise<T>, reason: unknown): Promise<T> {
  work.catch(() => {})
  return Promise.reject(reason)
}
