import type { Clock } from './clock.js'

/** Waits for `work`, at the longest `mostMs`. Rejects with what the work rejects with. */
export async function within(clock: Clock, mostMs: number, work: Promise<void>): Promise<void> {
  let stop: (() => void) | undefined
  const patience = new Promise<void>(resolve => {
    stop = clock.after(mostMs, resolve, { awaited: true })
  })
  try {
    await Promise.race([work, patience])
  } finally {
    stop?.()
  }
}
