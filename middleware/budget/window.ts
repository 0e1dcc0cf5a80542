/** For how long a cap holds: the hour, the day or the month, in UTC. */
export type BudgetWindow = 'hour' | 'day' | 'month'

/** One window: what it is stored as, and where it begins and ends, in milliseconds since 1970. */
export interface Span {
  readonly identity: string
  readonly start: number
  /** When the next one begins. */
  readonly end: number
}

/** How much of `2026-01-31T14:00:00.000Z` names a window. */
const named = { hour: 13, day: 10, month: 7 } as const

/** The window that an instant falls in. */
export function spanAt(window: BudgetWindow, now: number): Span {
  const [start, end] = [startOf(window, now, 0), startOf(window, now, 1)]
  return { identity: `${window}:${new Date(start).toISOString().slice(0, named[window])}`, start, end }
}

/** The start of the window of an instant, or of one that many later. */
function startOf(window: BudgetWindow, now: number, later: number): number {
  const at = new Date(now)
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()]
  if (window === 'month') return Date.UTC(year, month + later)
  return window === 'day' ? Date.UTC(year, month, day + later) : Date.UTC(year, month, day, at.getUTCHours() + later)
}

/** @throws TypeError for a window that is none */
export function checkedWindow(window: unknown): BudgetWindow | undefined {
  if (window === undefined || (typeof window === 'string' && Object.hasOwn(named, window))) return window as BudgetWindow | undefined
  throw new TypeError(`withBudget: window must be 'hour', 'day' or 'month', got ${String(window)}`)
}
