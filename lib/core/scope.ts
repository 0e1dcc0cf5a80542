type Listener = (reason: unknown) => void

/**
 * One node of the abort tree: sidecar > action > attempt > nested action. Abort runs down; a scope that has ended hangs on nothing. The
 * `AbortSignal` is made only when somebody asks for it.
 */
export class Scope {
  #parent: Scope | undefined
  #listeners: Set<Listener | Scope> | undefined
  #controller: AbortController | undefined
  #over = false
  aborted = false
  reason: unknown

  constructor(parent?: Scope) {
    if (!parent) return
    if (parent.aborted) this.abort(parent.reason)
    else {
      this.#parent = parent
      parent.#listen(this)
    }
  }

  /** A signal with this scope's typed reason. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.aborted) this.#controller.abort(this.reason)
    return this.#controller.signal
  }

  /** Ends everything below with `reason`. The first reason stays. */
  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.#controller?.abort(reason)
    const listeners = this.#listeners
    this.#listeners = undefined
    this.end()
    if (!listeners) return
    for (const listener of listeners) {
      if (listener instanceof Scope) listener.abort(reason)
      else listener(reason)
    }
  }

  /** Calls `fn` once on abort (at once when it has happened); returns what forgets it. */
  onAbort(fn: Listener): () => void {
    if (this.aborted) {
      fn(this.reason)
      return () => {}
    }
    this.#listen(fn)
    return () => this.#forget(fn)
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
    this.#over = true
    if (this.listeners > 0 && !this.aborted) return
    if (this.#parent) this.#parent.#forget(this)
    this.#parent = undefined
  }

  /** How many listen below: 0 after everything has ended. */
  get listeners(): number {
    return this.#listeners?.size ?? 0
  }

  #forget(listener: Listener | Scope): void {
    this.#listeners?.delete(listener)
    if (this.#over && this.listeners === 0) this.end()
  }

  #listen(listener: Listener | Scope): void {
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
  }
}

function refuse<T>(work: Promise<T>, reason: unknown): Promise<T> {
  work.catch(() => {})
  return Promise.reject(reason)
}
