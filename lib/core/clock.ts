/** Time as the sidecar sees it: injected, so that tests own it. */
export interface Clock {
  /** Wall time, milliseconds since 1970: for records and events. */
  now(): number
  /** Monotonic milliseconds: for every span, deadline and delay. Never jumps. */
  monotonic(): number
  /** Calls `fn` once after `ms`. Returns a function that forgets it. Never keeps the process alive. */
  after(ms: number, fn: () => void): () => void
}

const longest = 2 ** 31 - 1

function after(ms: number, fn: () => void): () => void {
  let timer = arm(ms)
  function arm(left: number): NodeJS.Timeout {
    const step = Math.min(left, longest)
    return setTimeout(() => {
      if (left > step) timer = arm(left - step)
      else fn()
    }, step).unref()
  }
  return () => clearTimeout(timer)
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after,
}
