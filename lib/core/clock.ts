/** Time as the sidecar sees it: injected, so that tests own it. */
export interface Clock {
  /** Wall time, milliseconds since 1970: for records and events. */
  now(): number
  /** Monotonic milliseconds: for every span, deadline and delay. Never jumps. */
  monotonic(): number
  /**
   * Calls `fn` once after `ms`. Returns a function that forgets it. Does not keep the process alive, unless somebody is `awaited`: work that
   * has nothing but this timer to wait for would end with the process.
   */
  after(ms: number, fn: () => void, options?: { readonly awaited?: boolean }): () => void
}

const longest = 2 ** 31 - 1

function after(ms: number, fn: () => void, { awaited = false }: { readonly awaited?: boolean } = {}): () => void {
  let timer = arm(ms)
  function arm(left: number): NodeJS.Timeout {
    const step = Math.min(left, longest)
    const armed = setTimeout(() => {
      if (left > step) timer = arm(left - step)
      else fn()
    }, step)
    return awaited ? armed : armed.unref()
  }
  return () => clearTimeout(timer)
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after,
}
